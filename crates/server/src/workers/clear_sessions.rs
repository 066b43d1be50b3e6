use std::time::Duration;

use comanda_application::Sessions;

use super::worker::{Context, Worker};

/// How long to wait when nothing is left to delete.
const PERIOD: Duration = Duration::from_secs(30);

/// Between two batches, for whoever else needs the disk.
const BREATH: Duration = Duration::from_millis(100);

/// Deletes sessions that ended long ago, and refresh tokens that were spent. Several servers may do so at once.
pub fn clear_sessions(sessions: Sessions) -> Worker {
    Worker::new("clear_sessions", move |context| run(sessions.clone(), context))
}

async fn run(sessions: Sessions, context: Context) {
    loop {
        let pause = match sessions.clear().await {
            Ok(there_is_more) => {
                context.succeeded();
                if there_is_more { BREATH } else { PERIOD }
            }
            Err(error) => {
                context.failed(&error);
                PERIOD
            }
        };
        if context.pause(pause).await.is_cancelled() {
            break;
        }
    }
}
