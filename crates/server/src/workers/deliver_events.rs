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

/// The least time between two lines about what fails.
const LOG_PERIOD: Duration = Duration::from_mins(1);

/// How often a receiver that got a name looks whether others have stopped delivering to it by its former one.
const ADOPTION_PERIOD: Duration = Duration::from_millis(500);

/// How often it looks from then on: a server with the settings of before, which was not stopped yet, subscribes by the
/// former name again as soon as nobody delivers to that.
const READOPTION_PERIOD: Duration = Duration::from_secs(5);

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
    let (delivered, failed, put_off) = (deliveries("delivered"), deliveries("failed"), deliveries("put_off"));
    let (mut pause, mut outage) = (POLL_INTERVAL, Outage::default());
    if !adopt(events, to, &context).await {
        return;
    }
    let mut adopted_at = Instant::now();
    loop {
        if adopted_at.elapsed() >= READOPTION_PERIOD {
            match events.adopt(to).await {
                Ok(true) => adopted_at = Instant::now(),
                // There is more to take over.
                Ok(false) => {}
                Err(error) => {
                    context.failed(&error);
                    adopted_at = Instant::now();
                }
            }
        }
        let begin = Instant::now();
        let (batch, outcome) = events.deliver(to).await;
        delivered.increment(batch.delivered);
        failed.increment(batch.failed);
        put_off.increment(batch.put_off);
        outage.tell(&to.name, &batch, Instant::now());
        let least = Duration::from_secs(batch.delivered + batch.failed) / per_second;
        pause = match outcome {
            Ok(()) => {
                context.succeeded();
                // The subscriber is out of reach: do not go through the outbox batch by batch only to fail.
                if batch.delivered == 0 && (batch.failed > 0 || batch.put_off > 0) {
                    longer(pause)
                } else if batch.more {
                    Duration::ZERO
                } else {
                    POLL_INTERVAL
                }
            }
            Err(error) => {
                context.failed(&error);
                longer(pause)
            }
        };
        if context.pause(pause.max(least.saturating_sub(begin.elapsed()))).await.is_cancelled() {
            break;
        }
    }
}

/// Before it delivers under a new name. Returns `false` at a shutdown.
async fn adopt(events: &Events, to: &Subscriber, context: &Context) -> bool {
    let mut is_told = false;
    loop {
        match events.adopt(to).await {
            Ok(true) => return true,
            Ok(false) => {
                context.succeeded();
                if !is_told {
                    let (subscriber, formerly) = (&to.name, to.formerly.as_deref());
                    tracing::info!(
                        subscriber,
                        formerly,
                        "events wait until no server delivers to the receiver by its former name any more, and until \
                         what waits there is taken over"
                    );
                    is_told = true;
                }
            }
            Err(error) => context.failed(&error),
        }
        if context.pause(ADOPTION_PERIOD).await.is_cancelled() {
            return false;
        }
    }
}

/// What the log says of a receiver that events cannot be delivered to: a line when that begins or has another cause,
/// one a minute at most, and one when it is over.
#[derive(Default)]
struct Outage {
    cause: Option<String>,
    told_at: Option<Instant>,
}

impl Outage {
    fn tell(&mut self, subscriber: &str, batch: &Delivered, now: Instant) {
        if let Some(first) = batch.put_aside.first() {
            tracing::error!(
                subscriber,
                letters = batch.put_aside.len(),
                event = first.event,
                attempts = first.attempts,
                error = first.error,
                "events were put aside as dead letters; repair the receiver, then resend them"
            );
        }
        match &batch.cause {
            Some(cause) if self.is_news(cause, now) => {
                tracing::warn!(subscriber, error = cause, "events cannot be delivered; they are tried again");
                (self.cause, self.told_at) = (Some(cause.clone()), Some(now));
            }
            None if batch.delivered > 0 && self.cause.take().is_some() => {
                tracing::info!(subscriber, "events are delivered again");
            }
            _ => {}
        }
    }

    fn is_news(&self, cause: &str, now: Instant) -> bool {
        self.cause.as_deref() != Some(cause) && self.told_at.is_none_or(|told| now - told >= LOG_PERIOD)
    }
}

fn longer(pause: Duration) -> Duration {
    (pause.max(POLL_INTERVAL) * 2).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_once_a_minute_at_most_and_so_is_its_end() {
        let (mut outage, begin) = (Outage::default(), Instant::now());
        let after = |seconds| begin + Duration::from_secs(seconds);
        assert!(outage.is_news("refused", begin));
        outage.tell(
            "kitchen",
            &Delivered { failed: 1, cause: Some("refused".to_owned()), ..Delivered::default() },
            begin,
        );
        assert!(!outage.is_news("refused", after(3600)), "no line repeats another");
        assert!(!outage.is_news("no route", after(59)) && outage.is_news("no route", after(60)));
        outage.tell("kitchen", &Delivered { put_off: 1, ..Delivered::default() }, after(1));
        assert_eq!(outage.cause.as_deref(), Some("refused"), "it is not over yet");
        outage.tell("kitchen", &Delivered { delivered: 1, ..Delivered::default() }, after(2));
        assert_eq!(outage.cause, None);
        assert!(!outage.is_news("refused", after(3)) && outage.is_news("refused", after(61)));
    }
}
