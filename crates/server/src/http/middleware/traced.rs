//! A span a request: what logs name it by, and the root of our part of its trace.

use std::{cell::OnceCell, pin::pin, task::Poll};

use actix_web::{
    dev::ServiceRequest,
    http::{Method, StatusCode, header::HeaderMap},
    web::Data,
};
use futures_util::poll;
use tracing::{Instrument, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::request_id::RequestId;
use crate::traces;

/// Whether traces are collected.
#[derive(Clone, Copy)]
pub struct Tracing(pub bool);

/// A request's span: from its beginning where traces are collected, from when it first has to wait where it reads the menu.
pub(super) struct Traced {
    id: RequestId,
    given_trace: Option<String>,
    span: OnceCell<Span>,
}

impl Traced {
    pub(super) fn begin(request: &ServiceRequest, id: &RequestId) -> Self {
        if request.app_data::<Data<Tracing>>().is_some_and(|tracing| tracing.0) {
            return Self { id: id.clone(), given_trace: None, span: exported(request, id).into() };
        }
        let traced = Self { id: id.clone(), given_trace: given_trace(request.headers()), span: OnceCell::new() };
        // What is read a hundred thousand times a second from memory says nothing in the log; a span would cost as much as the answer.
        if request.method() != Method::GET || !request.path().starts_with("/v1/menu") {
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
        self.span
            .get_or_init(|| tracing::error_span!("request", request_id = self.id.as_str(), trace_id = self.given_trace))
    }
}

/// Named by OpenTelemetry's conventions (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>).
fn exported(request: &ServiceRequest, id: &RequestId) -> Span {
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
