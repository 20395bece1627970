//! Traces by OpenTelemetry: where a request's time goes. There are none unless
//! `OTEL_EXPORTER_OTLP_ENDPOINT` says where to.
//!
//! A span has names from the code and numbers only: the route as it stands in the
//! router, the operation of the engine, a status. Nothing that a caller sent is in it
//! but the ids of `traceparent`; `tracestate` is not taken, since anything may stand
//! there. Spans wait in a bounded queue for a thread that sends them: what has no room
//! is dropped, and nobody waits.

mod exporter;

use std::sync::OnceLock;
use std::time::Duration;

use axum::body::Body;
use axum::extract::MatchedPath;
use axum::http::{HeaderMap, Method, Request};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{Span, SpanKind, Status as SpanStatus, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::ExporterBuildError;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span as SdkSpan};

use crate::wire::Status;

/// How long the end waits for what is not sent yet.
const ENDING: Duration = Duration::from_secs(3);
/// Says where to send traces, for all that OpenTelemetry has or for traces alone.
const WHERE_TO: [&str; 2] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// What sends traces until it is dropped.
#[derive(Debug)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Begins, if the environment says where to.
    ///
    /// # Errors
    /// [`ExporterBuildError`] if what it says makes no sense.
    pub fn start() -> Result<Self, ExporterBuildError> {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if !WHERE_TO.iter().any(|name| is_set(name)) {
            return Ok(Self(None));
        }
        let resource = Resource::builder();
        let named = is_set("OTEL_SERVICE_NAME");
        let resource = if named { resource } else { resource.with_service_name("tally-vault") };
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter::exporter()?)
            .with_resource(resource.build())
            .build();
        // There is one vault in a process; a second would find the first's.
        let _ = TRACER.set(provider.tracer("tally-vault"));
        Ok(Self(Some(provider)))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        // Whoever does not take them in time goes without.
        let _ = self.0.take().map(|provider| provider.shutdown_with_timeout(ENDING));
    }
}

/// The span of a request; none without traces.
pub fn begin(request: &Request<Body>) -> Option<Context> {
    let tracer = TRACER.get()?;
    let method = method(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    let parent = TraceContextPropagator::new().extract(&Parent(request.headers()));
    let attributes = [
        KeyValue::new("http.request.method", method),
        KeyValue::new("http.route", route.clone()),
        KeyValue::new("url.scheme", "http"),
    ];
    let builder = tracer
        .span_builder(format!("{method} {route}"))
        .with_kind(SpanKind::Server)
        .with_attributes(attributes);
    let span = tracer.build_with_context(builder, &parent);
    Some(parent.with_span(span))
}

/// The end of a request that was answered with this HTTP status.
pub fn end(span: Option<Context>, status: u16) {
    let Some(context) = span else { return };
    let span = context.span();
    span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
    if status >= 500 {
        span.set_status(SpanStatus::error(""));
    }
    span.end();
}

/// What a request waits for, until it is dropped; nothing outside of a request.
#[derive(Debug)]
pub struct Step(Option<SdkSpan>);

impl Step {
    /// A read or write of the vault's database.
    #[must_use]
    pub fn of_database(what: &'static str) -> Self {
        let attributes = [("db.system.name", "sqlite"), ("db.operation.name", what)];
        Self::begin(what, &attributes)
    }

    /// A call of the engine.
    #[must_use]
    pub fn of_engine() -> Self {
        Self::begin("engine", &[("rpc.system", "tallystick")])
    }

    /// What the engine was asked, and how it refused if it did: with a status, or by not
    /// answering.
    pub fn asked(&mut self, operation: Option<&'static str>, failed: Option<Option<Status>>) {
        let Some(span) = &mut self.0 else { return };
        if let Some(operation) = operation {
            span.update_name(operation);
            span.set_attribute(KeyValue::new("rpc.method", operation));
        }
        let status = match failed {
            None => Status::Ok.name(),
            Some(Some(status)) => status.name(),
            Some(None) => "unanswered",
        };
        span.set_attribute(KeyValue::new("tally.status", status));
        if failed.is_some() {
            span.set_status(SpanStatus::error(status));
        }
    }

    fn begin(name: &'static str, attributes: &[(&'static str, &'static str)]) -> Self {
        let begin = |tracer: &SdkTracer| {
            let context = Context::current();
            let builder = tracer
                .span_builder(name)
                .with_kind(SpanKind::Client)
                .with_attributes(attributes.iter().map(|(key, value)| KeyValue::new(*key, *value)));
            context.has_active_span().then(|| tracer.build_with_context(builder, &context))
        };
        Self(TRACER.get().and_then(begin))
    }
}

/// The one header that is taken.
struct Parent<'h>(&'h HeaderMap);

impl Extractor for Parent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        if key == "traceparent" { self.0.get(key)?.to_str().ok() } else { None }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

/// A method that HTTP defines; what else a caller may write is not repeated.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}
