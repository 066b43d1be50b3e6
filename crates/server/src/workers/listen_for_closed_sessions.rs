use std::sync::Arc;

use comanda_redis::RedisClosedSessions;

use super::worker::Worker;

/// Learns of sessions that other servers close.
pub fn listen_for_closed_sessions(sessions: Arc<RedisClosedSessions>) -> Worker {
    Worker::endless("listen_for_closed_sessions", move |context| {
        let sessions = Arc::clone(&sessions);
        async move { sessions.listen(|| context.succeeded()).await }
    })
}
