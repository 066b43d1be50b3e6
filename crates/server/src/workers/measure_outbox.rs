use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use comanda_domain::ports::{Outbox, Unavailable};
use comanda_task::isolated;
use futures_util::future::join_all;
use metrics::{Gauge, gauge};

use super::worker::{Context, Worker};

const PERIOD: Duration = Duration::from_secs(5);

/// Measures how far behind each subscriber is.
pub fn measure_outbox(outbox: Arc<dyn Outbox>, subscribers: Vec<String>) -> Worker {
    let subscribers: Arc<[String]> = subscribers.into();
    Worker::new("measure_outbox", move |context| {
        let (outbox, subscribers) = (Arc::clone(&outbox), Arc::clone(&subscribers));
        async move {
            join_all(subscribers.iter().map(|subscriber| measure(&*outbox, subscriber, context.clone()))).await;
        }
    })
}

async fn measure(outbox: &dyn Outbox, subscriber: &str, context: Context) {
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
        match isolated(outbox.state(subscriber), Unavailable::new).await {
            Ok(state) => {
                context.succeeded();
                lag.set(state.lag.as_secs_f64());
                dead.set(f64::from(u32::try_from(state.dead).unwrap_or(u32::MAX)));
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
