use comanda_domain::ports::Unavailable;

use super::{Events, Subscriber};

impl Events {
    /// Has a subscriber that got a name take over what waits for it under the former one. Returns whether to deliver:
    /// not while only the former one is there and a server delivers to that, nor while a long backlog is being taken
    /// over.
    pub async fn adopt(&self, subscriber: &Subscriber) -> Result<bool, Unavailable> {
        match &subscriber.formerly {
            Some(former) => self.outbox.rename(former, &subscriber.name).await,
            None => Ok(true),
        }
    }
}
