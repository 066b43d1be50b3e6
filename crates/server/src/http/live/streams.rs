//! How many streams there are, and what their responses look like.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{ConnectionType, Version, header},
};
use comanda_application::live::{Beginning, Watch};
use comanda_domain::{
    AccountId, Actor, RateLimit, Role, SessionId, Timestamp,
    ports::{Clock, ClosedSessions},
};
use metrics::{counter, gauge};
use serde::Serialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Frame, Hub, Topic, stream::Stream};
use crate::http::{
    extract::Watcher,
    problem::{Code, Problem, whole_seconds},
    transport::{cut, hung_up},
};

/// How many streams there may be at a time.
#[derive(Clone, Copy, Debug)]
pub struct StreamLimits {
    pub per_account: usize,
    pub per_process: usize,
}

/// A stream that has to end takes so long at most to say so. Then its connection is cut: its client takes nothing.
const FAREWELL: Duration = Duration::from_secs(5);

/// The streams of this process.
#[derive(Clone)]
pub struct Streams {
    pub hub: Arc<Hub>,
    pub closed: Arc<dyn ClosedSessions>,
    pub clock: Arc<dyn Clock>,
    limits: StreamLimits,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    accounts: HashMap<AccountId, OfAccount>,
    streams: HashMap<u64, OpenStream>,
    next_number: u64,
    /// The server is about to stop.
    is_ending: bool,
}

#[derive(Default)]
struct OfAccount {
    streams: usize,
    /// When it may open as many at once again as it ever may.
    paid_off_at: Option<Timestamp>,
}

struct OpenStream {
    session: SessionId,
    expires_at: Instant,
    ended: CancellationToken,
    /// Since when it has to end.
    ended_at: Option<Instant>,
    /// Ends its connection.
    cut: CancellationToken,
}

impl OpenStream {
    fn end(&mut self, now: Instant) {
        self.ended_at.get_or_insert(now);
        self.ended.cancel();
    }
}

/// A stream that counts, until it is dropped.
pub struct Counted {
    account: AccountId,
    number: u64,
    ended: CancellationToken,
    open: Arc<Mutex<Open>>,
}

impl Counted {
    /// Cancelled when the stream has to end.
    pub(super) fn ended(&self) -> CancellationToken {
        self.ended.clone()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        open.streams.remove(&self.number);
        if let Some(own) = open.accounts.get_mut(&self.account) {
            own.streams -= 1;
        }
        gauge!("comanda_event_streams").decrement(1);
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StreamLimits {
    /// How often an account may open one: each reads what it shows first.
    fn openings(&self) -> RateLimit {
        let times = |times| u32::try_from(self.per_account.saturating_mul(times)).unwrap_or(u32::MAX);
        RateLimit::per_minute(times(3), times(20))
    }
}

impl Streams {
    pub fn new(hub: Arc<Hub>, closed: Arc<dyn ClosedSessions>, clock: Arc<dyn Clock>, limits: StreamLimits) -> Self {
        Self { hub, closed, clock, limits, open: Arc::default() }
    }

    /// Counts one more stream of an account; a problem if there are too many, or were opened lately. However many
    /// customers watch, there is room for the kitchen.
    pub fn enter(&self, request: &HttpRequest, watcher: Watcher) -> Result<Counted, Problem> {
        let time_left = (watcher.until - self.clock.now()).to_std().unwrap_or(Duration::ZERO);
        self.count(watcher.actor, time_left, cut(request))
    }

    pub(super) fn count(&self, actor: Actor, time_left: Duration, cut: CancellationToken) -> Result<Counted, Problem> {
        /// Streams end when somebody leaves: nobody knows when.
        const RETRY_AFTER: u32 = 5;

        let Actor { account_id: account, role, session_id: session } = actor;
        let StreamLimits { per_account, per_process } = self.limits;
        let most = if role == Role::Customer { per_process - per_process / 5 } else { per_process };
        let mut open = lock(&self.open);
        let all = open.streams.len();
        let own = open.accounts.entry(account).or_default();
        let (allowance, paid_off_at) = self.limits.openings().decide(own.paid_off_at, self.clock.now());
        let (limit, detail, retry_after) = if own.streams >= per_account {
            ("account", format!("An account may have {per_account} event streams open at a time."), RETRY_AFTER)
        } else if all >= most {
            ("server", "This server has as many event streams open as it may.".to_owned(), RETRY_AFTER)
        } else if let Some(wait) = allowance.retry_after {
            ("rate", "The account opens event streams too often.".to_owned(), whole_seconds(wait))
        } else {
            own.streams += 1;
            own.paid_off_at = Some(paid_off_at);
            gauge!("comanda_event_streams").increment(1);
            let (expires_at, ended) = (Instant::now() + time_left, CancellationToken::new());
            let stream = OpenStream { session, expires_at, ended, ended_at: None, cut };
            return Ok(self.counted(&mut open, account, stream));
        };
        counter!("comanda_event_streams_refused_total", "limit" => limit).increment(1);
        Err(Problem::new(Code::RateLimited, detail).retry_after(retry_after))
    }

    fn counted(&self, open: &mut Open, account: AccountId, mut stream: OpenStream) -> Counted {
        if open.is_ending {
            stream.end(Instant::now());
        }
        let (number, ended) = (open.next_number, stream.ended.clone());
        open.next_number += 1;
        open.streams.insert(number, stream);
        Counted { account, number, ended, open: Arc::clone(&self.open) }
    }

    /// Ends the streams whose session was closed, or whose credential has expired, and cuts off whoever does not listen
    /// to that. Looking at all of them at once wakes none of those that go on.
    pub fn end_those_due(&self) {
        let (now, time) = (Instant::now(), self.clock.now());
        let mut open = lock(&self.open);
        for stream in open.streams.values_mut() {
            match stream.ended_at {
                Some(since) if now.duration_since(since) >= FAREWELL => stream.cut.cancel(),
                None if stream.expires_at <= now || self.closed.contains(stream.session) => stream.end(now),
                _ => {}
            }
        }
        open.accounts.retain(|_, own| own.streams > 0 || own.paid_off_at.is_some_and(|at| at > time));
    }

    /// Ends them all, and those that begin from now on: the server is about to stop.
    pub fn end(&self) {
        let now = Instant::now();
        let mut open = lock(&self.open);
        open.is_ending = true;
        open.streams.values_mut().for_each(|stream| stream.end(now));
    }

    /// The response that shows what is watched, and goes on with its updates.
    pub fn respond(
        &self,
        request: &HttpRequest,
        counted: Counted,
        watcher: Watcher,
        topic: Topic,
        watch: &Watch<impl Serialize>,
    ) -> Result<HttpResponse, Problem> {
        let Watch { shown, position, beginning } = watch;
        if *beginning == Beginning::Reset {
            counter!("comanda_event_stream_resets_total").increment(1);
        }
        let first = Frame::beginning(*beginning, shown, position).map_err(|error| {
            tracing::error!(%error, "a snapshot cannot be written");
            Problem::new(Code::Internal, "Something went wrong.")
        })?;
        let stream = Stream {
            first: Some(first),
            listening: self.hub.listen(topic, position.clone()),
            session: watcher.actor.session_id,
            closed: Arc::clone(&self.closed),
            hung_up: hung_up(request),
            counted,
        };
        let mut response = HttpResponse::Ok()
            .content_type("text/event-stream")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            // nginx would collect what is sent, and hand it over late.
            .insert_header(("x-accel-buffering", "no"))
            .streaming(stream.sent());
        let head = response.head_mut();
        // What had this connection cut is nothing to whoever would get it next.
        head.set_connection_type(ConnectionType::Close);
        if request.version() < Version::HTTP_11 {
            // Such a client knows of no chunks (RFC 9112, section 6.1): the body ends with the connection.
            head.no_chunking(true);
        }
        Ok(response)
    }
}
