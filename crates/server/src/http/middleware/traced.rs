//! A span per request: what logs name it by, and the root of our part of its trace.

use std::{cell::OnceCell, net::IpAddr, pin::pin, task::Poll};

use actix_web::{
    HttpMessage,
    dev::ServiceRequest,
    http::{StatusCode, header::HeaderMap},
};
use comanda_domain::ClientNetwork;
use futures_util::poll;
use tracing::{Instrument, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::request_id::RequestId;
use crate::{
    http::routes::{Class, Endpoint},
    traces,
};

/// A request's span. It begins with the request where traces are collected; otherwise a request that is usually
/// served from memory gets one when it first has to wait.
pub(super) struct Traced {
    id: RequestId,
    network: Option<IpAddr>,
    given_trace: Option<String>,
    span: OnceCell<Span>,
}

impl Traced {
    pub(super) fn begin(request: &ServiceRequest, endpoint: &Endpoint, exported: bool) -> Self {
        let id = request.extensions().get::<RequestId>().cloned().unwrap_or_else(|| RequestId::of(request.headers()));
        let network = request.extensions().get::<ClientNetwork>().map(|client| client.address());
        if exported {
            let span = exported_span(request, endpoint, &id, network);
            return Self { id, network, given_trace: None, span: span.into() };
        }
        let traced = Self { id, network, given_trace: given_trace(request.headers()), span: OnceCell::new() };
        if endpoint.class != Class::Memory {
            traced.span();
        }
        traced
    }

    /// Does the request's work in its span.
    pub(super) async fn around<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        if self.span.get().is_none()
            && let Poll::Ready(done) = poll!(work.as_mut())
        {
            return done;
        }
        work.instrument(self.span().clone()).await
    }

    pub(super) fn end(&self, status: StatusCode) {
        let Some(span) = self.span.get() else { return };
        span.record("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            span.set_status(opentelemetry::trace::Status::error(""));
        }
    }

    /// For what is to be logged of it.
    pub(super) fn span(&self) -> &Span {
        self.span.get_or_init(|| {
            tracing::error_span!(
                "request",
                request_id = self.id.as_str(),
                network = self.network.map(tracing::field::display),
                trace_id = self.given_trace
            )
        })
    }
}

/// Named by OpenTelemetry's conventions (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>).
fn exported_span(request: &ServiceRequest, endpoint: &Endpoint, id: &RequestId, network: Option<IpAddr>) -> Span {
    let (method, route) = (request.method().as_str(), endpoint.path.as_str());
    let name = format!("{method} {route}");
    let span = tracing::error_span!(
        "request",
        otel.name = name,
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        request_id = id.as_str(),
        network = network.map(tracing::field::display),
        trace_id = Empty,
    );
    // Fails only where the span is not exported.
    let _ = span.set_parent(traces::context_of(request.headers()));
    if let Some(trace) = traces::trace_id(&span.context()) {
        span.record("trace_id", trace);
    }
    span
}

/// The caller's trace, for the logs, where traces are not collected.
fn given_trace(headers: &HeaderMap) -> Option<String> {
    headers.contains_key("traceparent").then(|| traces::trace_id(&traces::context_of(headers))).flatten()
}
