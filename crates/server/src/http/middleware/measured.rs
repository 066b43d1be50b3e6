//! Requests as metrics, by OpenTelemetry's semantic names
//! (<https://opentelemetry.io/docs/specs/semconv/http/http-metrics/>).

use std::time::Instant;

use actix_web::{
    dev::ServiceRequest,
    http::{Method, StatusCode},
    web::Data,
};
use metrics::{Gauge, gauge, histogram};

/// Whether metrics are collected. If not, the cost of finding out a request's route is saved.
#[derive(Clone, Copy)]
pub struct Measuring(pub bool);

/// The method, if it is a known one.
pub(super) fn method_of(method: &Method) -> &'static str {
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

/// A request under way. Labels have few values: routes as they are registered, known methods, and statuses.
pub(super) struct Measured {
    route: String,
    method: &'static str,
    begin: Instant,
    active: Gauge,
}

impl Measured {
    pub(super) fn begin(request: &ServiceRequest) -> Option<Self> {
        if !request.app_data::<Data<Measuring>>().is_some_and(|measuring| measuring.0) {
            return None;
        }
        let method = method_of(request.method());
        let active = gauge!("http_server_active_requests", "http_request_method" => method);
        active.increment(1.0);
        let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
        Some(Self { route, method, begin: Instant::now(), active })
    }

    pub(super) fn end(measured: Option<Self>, status: StatusCode) {
        let Some(measured) = measured else { return };
        histogram!(
            "http_server_request_duration_seconds",
            "http_request_method" => measured.method,
            "http_route" => measured.route.clone(),
            "http_response_status_code" => status.as_str().to_owned(),
        )
        .record(measured.begin.elapsed().as_secs_f64());
    }
}

impl Drop for Measured {
    /// A client that hangs up ends its request here.
    fn drop(&mut self) {
        self.active.decrement(1.0);
    }
}
