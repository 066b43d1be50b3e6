//! How long a request may take as a whole. Its statements in PostgreSQL have a slightly lower limit; this one covers
//! the time around them, and a network that swallows responses.

use std::time::Duration;

use crate::http::routes::Class;

/// One budget per class of requests.
#[derive(Clone, Copy)]
pub struct Budgets {
    pub read: Duration,
    pub report: Duration,
    pub write: Duration,
    pub password: Duration,
}

impl Budgets {
    pub fn of(self, class: Class) -> Duration {
        match class {
            Class::Memory | Class::Read => self.read,
            Class::Report => self.report,
            Class::Write | Class::Probe => self.write,
            Class::Password => self.password,
        }
    }
}
