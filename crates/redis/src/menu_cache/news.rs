use std::{sync::Arc, time::Duration};

use comanda_domain::ports::{MenuNews, MenuNewsReader};
use futures_util::StreamExt;

use super::{RENEW, channel};
use crate::RedisConnections;

/// Listens for news of the menu and passes them on, for as long as the runtime runs. Connecting again is news too: whatever was
/// told meanwhile was missed.
pub(super) async fn listen(connections: RedisConnections, reader: Arc<dyn MenuNewsReader>) {
    loop {
        match connections.client.get_async_pubsub().await {
            Ok(mut subscription) => match subscription.subscribe(channel(&connections)).await {
                Ok(()) => {
                    reader.heard(MenuNews::PerhapsMissed);
                    let mut messages = subscription.into_on_message();
                    while let Some(message) = messages.next().await {
                        match message.get_payload::<String>().unwrap_or_default().as_str() {
                            RENEW => reader.heard(MenuNews::Renew),
                            version => {
                                if let Ok(version) = version.parse() {
                                    reader.heard(MenuNews::Version(version));
                                }
                            }
                        }
                    }
                }
                Err(error) => tracing::debug!(%error, "cannot listen for news of the menu"),
            },
            Err(error) => tracing::debug!(%error, "cannot listen for news of the menu"),
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
