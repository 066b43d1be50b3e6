use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use comanda_application::Events;
use comanda_domain::ports::{Unavailable, Unserved};
use comanda_task::isolated;
use futures_util::future::{join, join_all};
use metrics::{Gauge, gauge};

use super::worker::{Context, Worker};

const PERIOD: Duration = Duration::from_secs(5);

/// Measures how far behind each subscriber is, and what waits for subscribers that no server delivers to.
pub fn measure_outbox(events: Events) -> Worker {
    Worker::new("measure_outbox", move |context| {
        let events = events.clone();
        async move {
            let served = events.served.iter().map(|subscriber| measure(&events, subscriber, context.clone()));
            join(join_all(served), find_unserved(&events, context.clone())).await;
        }
    })
}

async fn measure(events: &Events, subscriber: &str, context: Context) {
    let of_subscriber = |subscriber: &str| -> (Gauge, Gauge) {
        let subscriber = subscriber.to_owned();
        (
            gauge!("comanda_outbox_lag_seconds", "subscriber" => subscriber.clone()),
            gauge!("comanda_outbox_dead_letters", "subscriber" => subscriber),
        )
    };
    let (lag, dead) = of_subscriber(subscriber);
    let mut last = Instant::now();
    loop {
        match isolated(events.outbox.state(subscriber), Unavailable::new).await {
            Ok(state) => {
                context.succeeded();
                lag.set(state.lag.as_secs_f64());
                dead.set(as_float(state.dead));
                last = Instant::now();
            }
            Err(error) => {
                context.failed(&error);
                // The lag has grown by at least the time for which it is unknown.
                lag.increment(last.elapsed().as_secs_f64());
            }
        }
        if context.pause(PERIOD).await.is_cancelled() {
            break;
        }
    }
}

/// Says once of each subscriber that something waits for it and no server delivers to it.
async fn find_unserved(events: &Events, context: Context) {
    let mut gauges: HashMap<String, Gauge> = HashMap::new();
    loop {
        match isolated(events.find_unserved(), Unavailable::new).await {
            Ok(found) => {
                context.succeeded();
                gauges.retain(|subscriber, gauge| {
                    let is_unserved = found.iter().any(|unserved| unserved.subscriber == *subscriber);
                    if !is_unserved {
                        gauge.set(0.0);
                    }
                    is_unserved
                });
                for Unserved { subscriber, waiting, dead } in found {
                    let gauge = gauges.entry(subscriber).or_insert_with_key(|subscriber| {
                        tracing::warn!(
                            subscriber,
                            waiting,
                            dead_letters = dead,
                            "events wait for a subscriber that no server delivers to: was it removed, or its URL \
                             changed?"
                        );
                        gauge!("comanda_outbox_unserved_events", "subscriber" => subscriber.clone())
                    });
                    gauge.set(as_float(waiting));
                }
            }
            Err(error) => context.failed(&error),
        }
        if context.pause(PERIOD).await.is_cancelled() {
            break;
        }
    }
}

fn as_float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
