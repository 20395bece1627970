//! The way to a collector: OTLP, as protocol buffers over HTTP.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// How long a collector may take, if the environment does not say.
const PATIENCE: Duration = Duration::from_secs(10);

/// What sends spans where the environment says.
///
/// # Errors
/// [`ExporterBuildError`] if what it says makes no sense.
pub fn exporter() -> Result<SpanExporter, ExporterBuildError> {
    let builder = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary);
    builder.with_http_client(Collector::new()).build()
}

/// The vault's own HTTP client, used by the one thread that sends.
#[derive(Debug)]
struct Collector(Agent);

impl Collector {
    fn new() -> Self {
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .build()
            .new_agent();
        Self(agent)
    }
}

#[async_trait]
impl HttpClient for Collector {
    /// It waits, on the thread that is there for it.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let answer = self.0.run(Request::from_parts(parts, body.to_vec()))?;
        let (parts, mut body) = answer.into_parts();
        let bytes = body.read_to_vec()?;
        Ok(Response::from_parts(parts, bytes.into()))
    }
}
