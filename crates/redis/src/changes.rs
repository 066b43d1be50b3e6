use std::time::Duration;

use comanda_domain::ports::Unavailable;
use futures_util::StreamExt;
use redis::{AsyncCommands, RedisError};

use crate::RedisConnections;

/// How long to wait before connecting again.
const RECONNECT_AFTER: Duration = Duration::from_millis(250);

/// A connection that says nothing for so long is replaced: it may lead nowhere.
const LONGEST_SILENCE: Duration = Duration::from_mins(1);

/// Tells every server that events were committed. It says nothing of them: whoever watches reads them in the store, and
/// looks there without being told, too.
pub struct RedisChanges {
    connections: RedisConnections,
}

impl RedisChanges {
    pub fn new(connections: RedisConnections) -> Self {
        Self { connections }
    }

    /// Channels are common to all databases of a Redis server.
    fn channel(&self) -> String {
        format!("changes:{}", self.connections.number())
    }

    /// Something has changed.
    pub async fn announce(&self) -> Result<(), Unavailable> {
        let mut connection = self.connections.take().await?;
        connection.publish(self.channel(), "").await.map_err(Unavailable::new)
    }

    /// Calls `on_change` when something has changed, and `on_success` when Redis has responded; never returns.
    pub async fn listen(&self, mut on_change: impl FnMut(), mut on_success: impl FnMut()) {
        loop {
            if let Err(error) = self.follow(&mut on_change, &mut on_success).await {
                tracing::debug!(%error, "cannot listen for changes");
            }
            tokio::time::sleep(RECONNECT_AFTER).await;
        }
    }

    /// Returns when the connection ends.
    async fn follow(&self, on_change: &mut impl FnMut(), on_success: &mut impl FnMut()) -> Result<(), RedisError> {
        let mut subscription = self.connections.client()?.get_async_pubsub().await?;
        subscription.subscribe(self.channel()).await?;
        let mut messages = subscription.into_on_message();
        loop {
            // What was announced before was missed.
            on_change();
            on_success();
            let next = tokio::time::timeout(LONGEST_SILENCE, messages.next()).await;
            if !matches!(next, Ok(Some(_))) {
                return Ok(());
            }
        }
    }
}
