use std::{convert::Infallible, sync::Arc, time::Duration};

use actix_web::web::Bytes;
use comanda_domain::{SessionId, ports::ClosedSessions};
use futures_util::stream;
use rand::RngExt;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    frame::{HEARTBEAT, retry},
    hub::Listening,
    streams::Counted,
};

/// How often a stream shows that it is there. Whoever is in between gives up idle connections after a minute, and
/// clients may after fifteen seconds.
pub(super) const HEARTBEAT_PERIOD: Duration = Duration::from_secs(10);

/// After which time a stream has ended whose session was closed, once this process knows.
const SESSION_PERIOD: Duration = Duration::from_millis(500);

/// A client that is to come again does so after between one and three times this: not all at once.
const RETRY_MS: u32 = 1_000;

/// What is sent to one client, until it leaves or has to.
pub(super) struct Stream {
    pub(super) first: Option<Bytes>,
    pub(super) listening: Listening,
    pub(super) session: SessionId,
    pub(super) closed: Arc<dyn ClosedSessions>,
    /// Until the credential expires.
    pub(super) time_left: Duration,
    pub(super) ending: CancellationToken,
    /// It would be noticed only when something cannot be sent, and count until then.
    pub(super) hung_up: CancellationToken,
    pub(super) counted: Counted,
}

/// A stream that has begun.
struct Sending {
    stream: Stream,
    heartbeats: Interval,
    looks_at_session: Interval,
    ends_at: Instant,
}

impl Stream {
    /// Everything that is sent.
    pub(super) fn sent(self) -> impl stream::Stream<Item = Result<Bytes, Infallible>> {
        let every = |period| {
            let mut interval = interval_at(Instant::now() + period, period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        };
        let sending = Sending {
            heartbeats: every(HEARTBEAT_PERIOD),
            looks_at_session: every(SESSION_PERIOD),
            ends_at: Instant::now() + self.time_left,
            stream: self,
        };
        stream::unfold(Some(sending), async |sending| {
            let mut sending = sending?;
            match sending.next().await {
                Some(bytes) => Some((Ok(bytes), Some(sending))),
                None => Some((Ok(sending.farewell()), None)),
            }
        })
    }
}

impl Sending {
    /// `None`: it ends.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.stream.first.take() {
            return Some(first);
        }
        loop {
            let Stream { listening, session, closed, ending, hung_up, .. } = &mut self.stream;
            tokio::select! {
                biased;
                () = ending.cancelled() => return None,
                () = hung_up.cancelled() => return None,
                () = sleep_until(self.ends_at) => return None,
                _ = self.looks_at_session.tick() => {
                    if closed.contains(*session) {
                        return None;
                    }
                }
                // Nothing is shown to a session that has ended.
                event = listening.next() => return event.filter(|_| !closed.contains(*session)),
                _ = self.heartbeats.tick() => return Some(HEARTBEAT),
            }
        }
    }

    /// When to come again. It is no event: the client goes on after the last one it has seen.
    fn farewell(self) -> Bytes {
        let Stream { listening, counted, .. } = self.stream;
        drop((listening, counted));
        retry(rand::rng().random_range(RETRY_MS..=3 * RETRY_MS))
    }
}
