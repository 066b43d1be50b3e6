//! How long a request may take, all in all. What it asks of PostgreSQL has a limit a little below; this is for the time around it, and for a
//! network that swallows answers.

use std::time::Duration;

use actix_web::{dev::ServiceRequest, http::Method};

/// One budget a request, by what it does.
#[derive(Clone, Copy)]
pub struct Budgets {
    pub read: Duration,
    pub report: Duration,
    /// What changes something: placing an order ends sooner by itself, a sign-in may have to wait for its turn.
    pub write: Duration,
}

/// The budget of a request, and what to call it when it is used up.
pub(super) struct Budget {
    pub(super) time: Duration,
    pub(super) operation: &'static str,
}

impl Budgets {
    pub(super) fn of(self, request: &ServiceRequest) -> Budget {
        let path = request.path();
        if request.method() != Method::GET || !path.starts_with("/v1/") {
            return Budget { time: self.write, operation: "http.request" };
        }
        if path.starts_with("/v1/analytics/") {
            return Budget { time: self.report, operation: "analytics.read" };
        }
        let operation = match path {
            _ if path.starts_with("/v1/orders") => "order.lookup",
            _ if path.starts_with("/v1/menu") => "menu.read",
            _ => "http.request",
        };
        Budget { time: self.read, operation }
    }
}
