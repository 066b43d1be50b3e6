use std::time::Duration;

use comanda_domain::ports::{MenuNotification, MenuSubscriber};
use futures_util::StreamExt;
use redis::RedisError;

use super::{RENEW, channel};
use crate::RedisConnections;

/// How long to wait before connecting again.
const RECONNECT_AFTER: Duration = Duration::from_millis(250);

/// Passes notifications about the menu on; never returns. Every new connection is a notification too, because whatever
/// was sent before it was missed.
pub(super) async fn listen(
    connections: &RedisConnections,
    subscriber: &dyn MenuSubscriber,
    mut on_success: impl FnMut(),
) {
    loop {
        if let Err(error) = follow(connections, subscriber, &mut on_success).await {
            tracing::debug!(%error, "cannot listen for notifications about the menu");
        }
        tokio::time::sleep(RECONNECT_AFTER).await;
    }
}

/// Returns when the connection ends.
async fn follow(
    connections: &RedisConnections,
    subscriber: &dyn MenuSubscriber,
    on_success: &mut impl FnMut(),
) -> Result<(), RedisError> {
    let mut subscription = connections.client()?.get_async_pubsub().await?;
    subscription.subscribe(channel(connections)).await?;
    subscriber.on_notification(MenuNotification::PossiblyMissed);
    on_success();
    let mut messages = subscription.into_on_message();
    while let Some(message) = messages.next().await {
        match message.get_payload::<String>().unwrap_or_default().as_str() {
            RENEW => subscriber.on_notification(MenuNotification::Invalidated),
            version => {
                if let Ok(version) = version.parse() {
                    subscriber.on_notification(MenuNotification::Version(version));
                }
            }
        }
        on_success();
    }
    Ok(())
}
