//! A span a request: what logs name it by, and the root of our part of its trace.

use actix_web::{
    dev::ServiceRequest,
    http::{Method, StatusCode, header::HeaderMap},
    web::Data,
};
use tracing::{Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::request_id::RequestId;
use crate::traces;

/// Whether traces are collected.
#[derive(Clone, Copy)]
pub(super) struct Tracing(pub(super) bool);

/// Named by OpenTelemetry's conventions (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>).
pub(super) fn span(request: &ServiceRequest, id: &RequestId) -> Span {
    if !request.app_data::<Data<Tracing>>().is_some_and(|tracing| tracing.0) {
        // What is read a hundred thousand times a second from memory says nothing in the log; a span would cost as much as the answer.
        if request.method() == Method::GET && request.path().starts_with("/v1/menu") {
            return Span::none();
        }
        let span = tracing::error_span!("request", request_id = id.as_str(), trace_id = Empty);
        if let Some(trace) = given_trace(request.headers()) {
            span.record("trace_id", trace);
        }
        return span;
    }
    let method = request.method().as_str();
    let route = request.match_pattern();
    let name = route.as_ref().map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
    let span = tracing::error_span!(
        "request",
        otel.name = name,
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        request_id = id.as_str(),
        trace_id = Empty,
    );
    // Fails only where the span is not exported.
    let _ = span.set_parent(traces::context_of(request.headers()));
    if let Some(trace) = traces::trace_id(&span.context()) {
        span.record("trace_id", trace);
    }
    span
}

/// The caller's trace, for the logs, where nobody collects ours.
fn given_trace(headers: &HeaderMap) -> Option<String> {
    headers.contains_key("traceparent").then(|| traces::trace_id(&traces::context_of(headers))).flatten()
}

pub(super) fn end(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.set_status(opentelemetry::trace::Status::error(""));
    }
}
