//! Delivering events to subscribers.

mod adopt;
mod deliver;
mod find_unserved;
mod list_dead_letters;
mod resend;

use std::sync::Arc;

use comanda_domain::ports::{Clock, Outbox};

pub use deliver::{Delivered, PutAside, RetryTerms, Subscriber};

/// Events on their way to subscribers, and those that could not be delivered. One file per verb.
#[derive(Clone)]
pub struct Events {
    pub outbox: Arc<dyn Outbox>,
    pub clock: Arc<dyn Clock>,
    pub retries: RetryTerms,
    /// The subscribers that this server delivers to.
    pub served: Vec<String>,
}
