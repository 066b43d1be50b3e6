//! How long a request may take, all in all. What it asks of PostgreSQL has a limit a little below; this is for the time around it, and for a
//! network that swallows answers.

use std::time::Duration;

use actix_web::{dev::ServiceRequest, http::Method};

/// One budget a request, by what it does.
#[derive(Clone, Copy)]
pub struct Budgets {
    pub read: Duration,
    pub report: Duration,
    /// What changes something.
    pub write: Duration,
    /// What checks or hashes a password, which may have to wait for its turn.
    pub password: Duration,
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
            let time = match path {
                "/v1/sessions" | "/v1/web/sessions" | "/v1/users" | "/v1/me/password" => self.password,
                _ => self.write,
            };
            return Budget { time, operation: "http.request" };
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

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_request_has_the_time_of_its_class() {
        let seconds = Duration::from_secs;
        let budgets = Budgets { read: seconds(1), report: seconds(3), write: seconds(5), password: seconds(10) };
        for (method, path, time, operation) in [
            (Method::GET, "/v1/menu/items", 1, "menu.read"),
            (Method::GET, "/v1/orders", 1, "order.lookup"),
            (Method::GET, "/v1/me", 1, "http.request"),
            (Method::GET, "/v1/analytics/sales", 3, "analytics.read"),
            (Method::POST, "/v1/orders", 5, "http.request"),
            (Method::POST, "/v1/sessions/refresh", 5, "http.request"),
            (Method::POST, "/v1/sessions", 10, "http.request"),
            (Method::PUT, "/v1/me/password", 10, "http.request"),
        ] {
            let request = TestRequest::with_uri(path).method(method).to_srv_request();
            let budget = budgets.of(&request);
            assert_eq!((budget.time, budget.operation), (seconds(time), operation), "{path}");
        }
    }
}
