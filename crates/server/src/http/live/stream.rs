use std::{convert::Infallible, sync::Arc, time::Duration};

use actix_web::web::Bytes;
use comanda_domain::{SessionId, ports::ClosedSessions};
use futures_util::stream;
use rand::RngExt;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::{
    frame::{HEARTBEAT, retry},
    hub::Listening,
    streams::Counted,
};

/// How often a stream shows that it is there. Whoever is in between gives up idle connections after a minute, and
/// clients may after fifteen seconds.
pub(super) const HEARTBEAT_PERIOD: Duration = Duration::from_secs(10);

/// A client that is to come again does so after between one and three times this: not all at once.
const RETRY_MS: u32 = 1_000;

/// What is sent to one client, until it leaves or has to.
pub(super) struct Stream {
    pub(super) first: Option<Bytes>,
    pub(super) listening: Listening,
    pub(super) session: SessionId,
    pub(super) closed: Arc<dyn ClosedSessions>,
    /// It would be noticed only when something cannot be sent, and count until then.
    pub(super) hung_up: CancellationToken,
    pub(super) counted: Counted,
}

/// A stream that has begun.
struct Sending {
    stream: Stream,
    heartbeats: Interval,
    ended: CancellationToken,
}

impl Stream {
    /// Everything that is sent.
    pub(super) fn sent(self) -> impl stream::Stream<Item = Result<Bytes, Infallible>> {
        let mut heartbeats = interval_at(Instant::now() + HEARTBEAT_PERIOD, HEARTBEAT_PERIOD);
        heartbeats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let sending = Sending { heartbeats, ended: self.counted.ended(), stream: self };
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
        let Stream { listening, session, closed, hung_up, .. } = &mut self.stream;
        tokio::select! {
            biased;
            () = self.ended.cancelled() => None,
            () = hung_up.cancelled() => None,
            // Nothing is shown to a session that has ended.
            event = listening.next() => event.filter(|_| !closed.contains(*session)),
            _ = self.heartbeats.tick() => Some(HEARTBEAT),
        }
    }

    /// When to come again. It is no event: the client goes on after the last one it has seen.
    fn farewell(self) -> Bytes {
        let Stream { listening, counted, .. } = self.stream;
        drop((listening, counted));
        retry(rand::rng().random_range(RETRY_MS..=3 * RETRY_MS))
    }
}
