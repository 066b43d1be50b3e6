//! Telling subscribers what happened, for as long as the server runs.

use std::{
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use comanda_application::{
    Events,
    events::{Delivered, Subscriber},
};
use comanda_domain::ports::Outbox;
use metrics::{counter, gauge};
use tokio::runtime;

/// How often an idle outbox is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// The longest pause when nothing can be told at all.
const PAUSE: Duration = Duration::from_secs(30);

/// How often its state is measured.
const MEASURE: Duration = Duration::from_secs(5);

/// Tells all of them, on a thread that takes what others leave of the machine: who orders should not feel that somebody is told.
///
/// Each is told so many events a second at most.
pub fn keep_delivering(events: Events, subscribers: Vec<Subscriber>, per_second: u32) -> io::Result<()> {
    /// As little as there is.
    const NICE: i32 = 19;
    if subscribers.is_empty() {
        return Ok(());
    }
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name("notices".to_owned()).spawn(move || {
        if let Err(error) = rustix::process::setpriority_process(None, NICE) {
            tracing::warn!(%error, "the thread that tells others cannot step back");
        }
        runtime.block_on(futures_util::future::join_all(
            subscribers.into_iter().map(|subscriber| tell(&events, subscriber, per_second)),
        ));
    })?;
    Ok(())
}

async fn tell(events: &Events, to: Subscriber, per_second: u32) {
    let subscriber = to.name.clone();
    let count = |outcome: &'static str| counter!("comanda_outbox_deliveries_total", "subscriber" => subscriber.clone(), "outcome" => outcome);
    let (delivered, failed) = (count("delivered"), count("failed"));
    let mut pause = LOOK;
    loop {
        let (begin, mut least) = (Instant::now(), Duration::ZERO);
        match events.deliver(&to).await {
            Ok(told) => {
                delivered.increment(told.delivered);
                failed.increment(told.failed);
                least = Duration::from_secs(told.delivered + told.failed) / per_second;
                pause = match told {
                    // Nobody is there: what waits in the outbox is not touched, one batch after the other, only to fail.
                    Delivered { delivered: 0, failed: 1.., .. } => (pause.max(LOOK) * 2).min(PAUSE),
                    Delivered { more: true, .. } => Duration::ZERO,
                    _ => LOOK,
                };
            }
            Err(error) => {
                tracing::debug!(%error, subscriber, "the outbox cannot be read; trying again");
                pause = (pause.max(LOOK) * 2).min(PAUSE);
            }
        }
        tokio::time::sleep(pause.max(least.saturating_sub(begin.elapsed()))).await;
    }
}

/// How far behind a subscriber is, as metrics.
pub fn keep_measuring(outbox: Arc<dyn Outbox>, subscriber: String) {
    tokio::spawn(async move {
        let lag = gauge!("comanda_outbox_lag_seconds", "subscriber" => subscriber.clone());
        let dead = gauge!("comanda_outbox_dead_letters", "subscriber" => subscriber.clone());
        let mut last = Instant::now();
        loop {
            match outbox.state(&subscriber).await {
                Ok(state) => {
                    lag.set(state.lag.as_secs_f64());
                    dead.set(f64::from(u32::try_from(state.dead).unwrap_or(u32::MAX)));
                    last = Instant::now();
                }
                // At least as old as our knowledge of it.
                Err(_) => lag.increment(last.elapsed().as_secs_f64()),
            }
            tokio::time::sleep(MEASURE).await;
        }
    });
}
