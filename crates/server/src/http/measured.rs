//! Requests as metrics, by OpenTelemetry's semantic names (<https://opentelemetry.io/docs/specs/semconv/http/http-metrics/>).

use std::time::Instant;

use actix_web::{
    dev::ServiceRequest,
    http::{Method, StatusCode},
};
use metrics::{Gauge, gauge, histogram};

/// A request under way. Labels are few: routes as they are written, methods and statuses that there are.
pub(super) struct Measured {
    route: String,
    method: &'static str,
    begin: Instant,
    active: Gauge,
}

impl Measured {
    pub(super) fn begin(request: &ServiceRequest) -> Self {
        let method = match *request.method() {
            Method::GET => "GET",
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::PATCH => "PATCH",
            Method::DELETE => "DELETE",
            Method::HEAD => "HEAD",
            Method::OPTIONS => "OPTIONS",
            _ => "_OTHER",
        };
        let active = gauge!("http_server_active_requests", "http_request_method" => method);
        active.increment(1.0);
        let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
        Self { route, method, begin: Instant::now(), active }
    }

    pub(super) fn end(&self, status: StatusCode) {
        histogram!(
            "http_server_request_duration_seconds",
            "http_request_method" => self.method,
            "http_route" => self.route.clone(),
            "http_response_status_code" => status.as_str().to_owned(),
        )
        .record(self.begin.elapsed().as_secs_f64());
    }
}

impl Drop for Measured {
    /// A client that hangs up ends its request here.
    fn drop(&mut self) {
        self.active.decrement(1.0);
    }
}
