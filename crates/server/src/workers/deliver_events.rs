use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use comanda_application::{
    Events,
    events::{Delivered, Subscriber},
};
use metrics::counter;

use super::worker::{Context, Worker};

/// How often an idle outbox is read.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The longest pause while nothing can be delivered.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The lowest priority: ordering comes before delivery.
const NICE: i32 = 19;

/// Delivers events to one subscriber, at most `per_second` a second, on a thread of low priority: one that fails stops
/// no other. Numbered from 1, since `/health/ready` shows the name to everybody and a webhook's host is nobody's
/// business.
pub fn deliver_events(number: usize, events: Events, to: Subscriber, per_second: u32) -> Worker {
    let to = Arc::new(to);
    Worker::new(format!("deliver_events_{number}"), move |context| {
        let (events, to) = (events.clone(), Arc::clone(&to));
        async move { deliver(&events, &to, per_second, context).await }
    })
    .on_own_thread(Some(NICE))
}

/// Until the shutdown. A batch that has begun is finished.
async fn deliver(events: &Events, to: &Subscriber, per_second: u32, context: Context) {
    let subscriber = to.name.clone();
    let deliveries = |outcome: &'static str| {
        let subscriber = subscriber.clone();
        counter!("comanda_outbox_deliveries_total", "subscriber" => subscriber, "outcome" => outcome)
    };
    let (delivered, failed) = (deliveries("delivered"), deliveries("failed"));
    let mut pause = POLL_INTERVAL;
    loop {
        let (begin, mut least) = (Instant::now(), Duration::ZERO);
        match events.deliver(to).await {
            Ok(batch) => {
                context.succeeded();
                delivered.increment(batch.delivered);
                failed.increment(batch.failed);
                least = Duration::from_secs(batch.delivered + batch.failed) / per_second;
                pause = match batch {
                    // The subscriber is out of reach: do not go through the outbox batch by batch only to fail.
                    Delivered { delivered: 0, failed: 1.., .. } => longer(pause),
                    Delivered { more: true, .. } => Duration::ZERO,
                    _ => POLL_INTERVAL,
                };
            }
            Err(error) => {
                context.failed(&error);
                pause = longer(pause);
            }
        }
        if context.pause(pause.max(least.saturating_sub(begin.elapsed()))).await.is_cancelled() {
            break;
        }
    }
}

fn longer(pause: Duration) -> Duration {
    (pause.max(POLL_INTERVAL) * 2).min(LONGEST_PAUSE)
}
