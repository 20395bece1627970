//! One event is sent to one merchant.

use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use super::signature;
use crate::types::UnixTime;
use crate::vault::db::{Event, Merchant};

/// How long a merchant may take, from the look-up of its name to its answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The way to merchants. It goes to the address that the operator said, not through a
/// proxy and not where a merchant's answer points to.
#[derive(Debug)]
pub struct Sender {
    agent: Agent,
}

impl Sender {
    /// Certificates are checked against those that the system trusts.
    #[must_use]
    pub fn new() -> Self {
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
            .max_response_header_size(16 * 1024)
            // A connection kept open may turn out closed, which would count as a refusal.
            .max_idle_connections(0)
            .proxy(None)
            .user_agent(concat!("tally-vault/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Self { agent }
    }

    /// Sends, and says whether it was taken: answered with 2xx. The body of the answer is
    /// not read.
    #[must_use]
    pub fn send(&self, merchant: &Merchant, event: &Event, now: UnixTime) -> bool {
        let (Some(url), Some(key)) = (&merchant.webhook, &merchant.webhook_key) else { return false };
        let answer = self
            .agent
            .post(url)
            .header("content-type", "application/json")
            .header("x-tally-signature", signature(key, now, &event.body))
            .send(event.body.as_str());
        answer.is_ok_and(|answer| answer.status().is_success())
    }
}

impl Default for Sender {
    fn default() -> Self {
        Self::new()
    }
}
