use std::sync::Arc;

use comanda_domain::{
    account::Administrator,
    page::{Page, PageLimit},
    ports::{DeadLetter, Outbox, Unavailable},
};

/// Lists what could not be told to somebody, a page at a time.
pub struct ListDeadLetters {
    outbox: Arc<dyn Outbox>,
}

impl ListDeadLetters {
    pub fn new(outbox: Arc<dyn Outbox>) -> Self {
        Self { outbox }
    }

    pub async fn execute(
        &self,
        _by: Administrator,
        after: Option<i64>,
        limit: PageLimit,
    ) -> Result<Page<DeadLetter>, Unavailable> {
        self.outbox.dead_letters(after, limit).await
    }
}
