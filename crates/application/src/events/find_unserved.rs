use comanda_domain::ports::{Unavailable, Unserved};

use super::Events;

impl Events {
    /// Finds subscribers that no server delivers to although something waits for them: those that were removed from the
    /// settings, or whose URL was changed.
    pub async fn find_unserved(&self) -> Result<Vec<Unserved>, Unavailable> {
        self.outbox.unserved(&self.served).await
    }
}
