use comanda_domain::ports::Unavailable;

use super::{Events, Subscriber};

impl Events {
    /// Has a subscriber that got a name take over what waits for it under the former one. Returns whether delivery can
    /// begin: not while a server still delivers under the former name.
    pub async fn adopt(&self, subscriber: &Subscriber) -> Result<bool, Unavailable> {
        match &subscriber.formerly {
            Some(former) => self.outbox.rename(former, &subscriber.name).await,
            None => Ok(true),
        }
    }
}
