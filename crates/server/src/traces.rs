//! Traces by OTLP (<https://opentelemetry.io/docs/specs/otlp/>), with W3C trace context
//! (<https://www.w3.org/TR/trace-context/>).

use actix_web::http::header::HeaderMap;
use anyhow::Context as _;
use opentelemetry::{
    Context, KeyValue,
    propagation::{Extractor, TextMapPropagator},
    trace::{TraceContextExt, TracerProvider},
};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracer, SdkTracerProvider},
};
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt};
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};

use crate::config::{HttpUrl, TraceConfig};

/// Spans on their way to the collector. They are sent in batches, by a thread of their own.
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    pub fn start(config: &TraceConfig) -> anyhow::Result<Self> {
        let exporter = exporter(&config.endpoint).context("cannot send traces")?;
        let resource = Resource::builder()
            .with_service_name("comanda")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        // A caller that samples its trace wants to see our part of it.
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.share)));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .with_sampler(sampler)
            .build();
        Ok(Self { provider })
    }

    /// Sends what is left. Blocks for some seconds at most.
    pub fn finish(self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::warn!(%error, "some traces were not sent");
        }
    }
}

/// What sends spans; connects when there are some.
pub fn exporter(endpoint: &HttpUrl) -> Result<SpanExporter, ExporterBuildError> {
    // Another part of the program may have chosen it before, which is as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/')))
        .build()
}

/// What turns our spans, and nobody else's, into traces.
pub fn layer<S>(exported: &Traces) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let tracer: SdkTracer = exported.provider.tracer("comanda");
    let ours = Targets::new().with_target("comanda", LevelFilter::DEBUG);
    OpenTelemetryLayer::new(tracer).with_filter(ours)
}

/// The caller's span, from `traceparent` and `tracestate`; an empty context where there is none.
pub fn context_of(headers: &HeaderMap) -> Context {
    struct Headers<'a>(&'a HeaderMap);
    impl Extractor for Headers<'_> {
        fn get(&self, key: &str) -> Option<&str> {
            self.0.get(key).and_then(|value| value.to_str().ok())
        }

        fn keys(&self) -> Vec<&str> {
            self.0.keys().map(actix_web::http::header::HeaderName::as_str).collect()
        }
    }
    TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers))
}

/// The current span for whoever is called from it, as `traceparent`; nothing where it is not traced.
pub fn traceparent() -> Option<String> {
    let mut headers = std::collections::HashMap::new();
    TraceContextPropagator::new().inject_context(&tracing::Span::current().context(), &mut headers);
    headers.remove("traceparent")
}

/// The id of a context's trace, as it is written in logs.
pub fn trace_id(context: &Context) -> Option<String> {
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| span.trace_id().to_string())
}
