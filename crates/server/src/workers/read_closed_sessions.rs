use std::{sync::Arc, time::Duration};

use comanda_domain::ports::{ClosingPosition, Closings, Sessions, Unavailable};
use comanda_redis::RedisClosedSessions;

use super::worker::{Context, Worker};

/// Sessions that other servers, or commands, closed are known after this time at the latest, and what a round takes.
const PERIOD: Duration = Duration::from_millis(500);

/// A round that takes longer is given up: its connection may lead nowhere.
const ROUND_LIMIT: Duration = Duration::from_secs(1);

/// Learns of closed sessions from PostgreSQL, which knows of all of them: also of those that were closed while Redis
/// was gone, by a server that is gone itself. `from` is the position up to which they are known.
pub fn read_closed_sessions(
    sessions: Arc<dyn Sessions>,
    known: Arc<RedisClosedSessions>,
    from: ClosingPosition,
) -> Worker {
    Worker::new("read_closed_sessions", move |context| run(Arc::clone(&sessions), Arc::clone(&known), from, context))
}

async fn run(
    sessions: Arc<dyn Sessions>,
    known: Arc<RedisClosedSessions>,
    mut position: ClosingPosition,
    context: Context,
) {
    loop {
        match round(&*sessions, position).await {
            Ok(closings) => {
                known.learn(&closings.ids);
                position = closings.position;
                context.succeeded();
            }
            Err(error) => context.failed(&error),
        }
        if context.pause(PERIOD).await.is_cancelled() {
            break;
        }
    }
}

async fn round(sessions: &dyn Sessions, position: ClosingPosition) -> Result<Closings, Unavailable> {
    let read = tokio::time::timeout(ROUND_LIMIT, sessions.closed_after(position)).await;
    read.unwrap_or_else(|late| Err(Unavailable::new(late)))
}
