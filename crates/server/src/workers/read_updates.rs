use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use comanda_domain::ports::Unavailable;

use super::worker::{Context, Worker};
use crate::http::Hub;

/// While somebody watches, what nobody announced is found after this time.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// While nobody does, nothing is read.
const IDLE_PERIOD: Duration = Duration::from_mins(1);

/// However much changes, rounds are no closer to each other than this.
const PAUSE: Duration = Duration::from_millis(20);

/// A round that takes longer is given up: its connection may lead nowhere.
const ROUND_LIMIT: Duration = Duration::from_secs(5);

/// Whoever is shown nothing for so long, since nothing can be read, should know.
const LONGEST_BLINDNESS: Duration = Duration::from_secs(5);

/// Reads events for the streams of this process, one query at a time.
pub fn read_updates(hub: Arc<Hub>) -> Worker {
    Worker::new("read_updates", move |context| run(Arc::clone(&hub), context))
}

async fn run(hub: Arc<Hub>, context: Context) {
    let mut last_success = Instant::now();
    while !context.is_cancelled() {
        let more = match round(&hub).await {
            Ok(more) => {
                context.succeeded();
                last_success = Instant::now();
                more
            }
            Err(error) => {
                context.failed(&error);
                if last_success.elapsed() >= LONGEST_BLINDNESS {
                    hub.let_go();
                }
                false
            }
        };
        if more {
            continue;
        }
        tokio::time::sleep(PAUSE).await;
        let pause = if hub.is_listened_to() { POLL_INTERVAL } else { IDLE_PERIOD };
        tokio::select! {
            () = hub.woken() => {}
            _ = context.pause(pause) => {}
        }
    }
}

async fn round(hub: &Hub) -> Result<bool, Unavailable> {
    // The database knows, too: it ends what would take longer.
    let read = comanda_deadline::within(ROUND_LIMIT, hub.round()).await;
    read.unwrap_or_else(|late| Err(Unavailable::new(late)))
}
