use comanda_domain::{
    Administrator, Page, PageLimit,
    ports::{DeadLetter, Unavailable},
};

use super::Events;

impl Events {
    /// Lists events that could not be delivered, the oldest first, a page at a time.
    pub async fn list_dead_letters(
        &self,
        _by: Administrator,
        after: Option<i64>,
        limit: PageLimit,
    ) -> Result<Page<DeadLetter, i64>, Unavailable> {
        self.outbox.dead_letters(after, limit).await
    }

    /// The same for whoever holds the keys to the deployment, on the command line.
    pub async fn list_dead_letters_as_operator(
        &self,
        after: Option<i64>,
        limit: PageLimit,
    ) -> Result<Page<DeadLetter, i64>, Unavailable> {
        self.outbox.dead_letters(after, limit).await
    }
}
