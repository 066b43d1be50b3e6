//! One reader of events for all streams of the process.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use actix_web::web::{Bytes, BytesMut};
use comanda_domain::{
    OrderId, StationId, StreamPosition,
    ports::{LiveUpdates, PlacedUpdate, Unavailable, Update, Updates, Watched},
};
use tokio::sync::{Notify, mpsc};

use super::Frame;
use crate::http::{kitchen::TicketResponse, wire::OrderResponse};

/// How many events one query looks at.
const LIMIT: u32 = 5_000;

/// How many rounds wait for a client that reads slowly. Then its stream ends, and it comes again where it was.
const WAITING: usize = 64;

/// How many bytes wait for it, apart from those of one round.
const WAITING_BYTES: usize = 1024 * 1024;

/// What a stream is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    Order(OrderId),
    /// The tickets of a station, or of all.
    Kitchen(Option<StationId>),
}

impl Topic {
    fn covers(self, update: &Update) -> bool {
        match (self, update) {
            (Self::Order(id), Update::Order(found)) => found.order.id == id,
            (Self::Kitchen(station), Update::Ticket(ticket)) => station.is_none_or(|id| ticket.station_id == id),
            (Self::Order(_), Update::Ticket(_)) | (Self::Kitchen(_), Update::Order(_)) => false,
        }
    }
}

/// Reads events once, however many watch.
pub struct Hub {
    updates: Arc<dyn LiveUpdates>,
    streams: Mutex<Registered>,
    work: Notify,
}

#[derive(Default)]
struct Registered {
    by_number: HashMap<u64, Listener>,
    next_number: u64,
    /// How far the events were read for those that are up to date.
    frontier: Option<StreamPosition>,
    /// Whether it is the turn of those that are behind: however many they are, the others are served in between.
    turn_of_late: bool,
}

struct Listener {
    topic: Topic,
    position: StreamPosition,
    /// The newest version of the order that it was told. A transaction that began before another may have changed the
    /// order after it; then its event comes first, and the older version is passed over.
    told: u32,
    events: mpsc::Sender<Bytes>,
    /// How many bytes wait.
    waiting: Arc<AtomicUsize>,
}

impl Listener {
    /// Whether it is there that a reading began, or beyond.
    fn is_reached_by(&self, from: &StreamPosition) -> bool {
        self.position.place() >= from.place()
    }

    /// What of the updates is news to it, in one piece, and where it is then.
    fn news(&self, updates: &Updates, frames: &[Option<Frame>]) -> News {
        let reached = &updates.reached;
        let (mut position, mut told, mut bytes) = (self.position.clone(), self.told, BytesMut::new());
        for (PlacedUpdate { transaction, event, update }, frame) in updates.updates.iter().zip(frames) {
            if !self.topic.covers(update) || !position.precedes(*transaction, *event) {
                continue;
            }
            position = position.after(*transaction, *event, reached.given_at);
            if let Update::Order(found) = update {
                if found.order.version <= told {
                    continue;
                }
                told = found.order.version;
            }
            if let Some(frame) = frame {
                frame.write_at(&position, &mut bytes);
            }
        }
        position = position.after(reached.transaction, reached.event, reached.given_at);
        News { position, told, bytes: bytes.freeze() }
    }

    /// Whether there was room for it.
    fn tell(&mut self, news: News) -> bool {
        self.position = news.position;
        self.told = news.told;
        let length = news.bytes.len();
        if length == 0 {
            return true;
        }
        let waiting = self.waiting.fetch_add(length, Ordering::Relaxed);
        (waiting == 0 || waiting + length <= WAITING_BYTES) && self.events.try_send(news.bytes).is_ok()
    }
}

/// What a listener is told after a reading.
#[derive(Clone)]
struct News {
    position: StreamPosition,
    told: u32,
    bytes: Bytes,
}

/// A stream's place at the hub, until it is dropped.
pub struct Listening {
    hub: Arc<Hub>,
    number: u64,
    events: mpsc::Receiver<Bytes>,
    waiting: Arc<AtomicUsize>,
}

impl Listening {
    /// The next events as they are sent; `None`: the stream has to begin again.
    pub async fn next(&mut self) -> Option<Bytes> {
        let events = self.events.recv().await?;
        self.waiting.fetch_sub(events.len(), Ordering::Relaxed);
        Some(events)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.hub.registered().by_number.remove(&self.number);
    }
}

/// What is read next.
struct Reading {
    from: StreamPosition,
    watched: Watched,
    /// Streams with smaller numbers are there.
    before: u64,
    /// Whether it is from where the last one is.
    of_late: bool,
}

impl Registered {
    fn next_reading(&mut self) -> Option<Reading> {
        self.turn_of_late = !self.turn_of_late;
        let place = |listener: &Listener| listener.position.place();
        let frontier = self.frontier.as_ref().map(StreamPosition::place);
        let (on_time, late): (Vec<_>, Vec<_>) =
            self.by_number.iter().partition(|(_, listener)| Some(place(listener)) >= frontier);
        let next_on_time = on_time.into_iter().min_by_key(|(_, listener)| place(listener));
        // Whoever came first, wherever they are: nobody gets ahead by being farther behind.
        let next_late = late.into_iter().min_by_key(|(number, _)| **number);
        let of_late = next_late.is_some() && (self.turn_of_late || next_on_time.is_none());
        let (_, next) = if of_late { next_late } else { next_on_time }?;
        let from = next.position.clone();
        let mut watched = Watched::default();
        for listener in self.by_number.values().filter(|listener| listener.is_reached_by(&from)) {
            match listener.topic {
                Topic::Order(id) => watched.orders.push(id),
                Topic::Kitchen(_) => watched.tickets = true,
            }
        }
        watched.orders.sort_unstable();
        watched.orders.dedup();
        Some(Reading { from, watched, before: self.next_number, of_late })
    }

    /// Passes on what was read. Who cannot follow, or is in another history, is let go. Returns whether some are
    /// behind.
    fn tell(&mut self, reading: &Reading, updates: &Updates, frames: &[Option<Frame>]) -> bool {
        let reached = &updates.reached;
        // Most boards are at one place.
        let mut of_boards: Vec<(Topic, StreamPosition, News)> = Vec::new();
        self.by_number.retain(|number, listener| {
            if listener.position.history != reached.history {
                return false;
            }
            // One that came meanwhile was not asked for, and for one that is farther behind, there is more before.
            if *number >= reading.before || !listener.is_reached_by(&reading.from) {
                return true;
            }
            // Of most orders there is no news in a quarter of a second, and nothing is written anew for them.
            if !updates.updates.iter().any(|placed| listener.topic.covers(&placed.update)) {
                listener.position.go_on(reached.transaction, reached.event, reached.given_at);
                return true;
            }
            if !matches!(listener.topic, Topic::Kitchen(_)) {
                return listener.tell(listener.news(updates, frames));
            }
            let is_like = |(topic, position, _): &&(Topic, StreamPosition, News)| {
                *topic == listener.topic && *position == listener.position
            };
            let news = of_boards.iter().find(is_like).map(|(_, _, news)| news.clone());
            let news = news.unwrap_or_else(|| {
                let news = listener.news(updates, frames);
                of_boards.push((listener.topic, listener.position.clone(), news.clone()));
                news
            });
            listener.tell(news)
        });
        let is_ahead =
            |frontier: &StreamPosition| frontier.history != reached.history || frontier.place() < reached.place();
        if self.frontier.as_ref().is_none_or(is_ahead) {
            self.frontier = Some(reached.clone());
        }
        let frontier = self.frontier.as_ref().map(StreamPosition::place);
        self.by_number.values().any(|listener| Some(listener.position.place()) < frontier)
    }
}

impl Hub {
    pub fn new(updates: Arc<dyn LiveUpdates>) -> Self {
        Self { updates, streams: Mutex::default(), work: Notify::new() }
    }

    fn registered(&self) -> MutexGuard<'_, Registered> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on, what happens after this position is passed on.
    pub fn listen(self: &Arc<Self>, topic: Topic, position: StreamPosition) -> Listening {
        let (sender, events) = mpsc::channel(WAITING);
        let waiting = Arc::new(AtomicUsize::new(0));
        let number = {
            let mut registered = self.registered();
            let number = registered.next_number;
            registered.next_number += 1;
            let waiting = Arc::clone(&waiting);
            registered.by_number.insert(number, Listener { topic, position, told: 0, events: sender, waiting });
            number
        };
        self.wake();
        Listening { hub: Arc::clone(self), number, events, waiting }
    }

    /// There may be something to read.
    pub fn wake(&self) {
        self.work.notify_one();
    }

    /// Resolves after [`Hub::wake`].
    pub async fn woken(&self) {
        self.work.notified().await;
    }

    /// Lets everybody go, when they have been shown nothing for long: they come again, or learn that they cannot.
    pub fn let_go(&self) {
        self.registered().by_number.clear();
    }

    /// Whether anybody listens.
    pub fn is_listened_to(&self) -> bool {
        !self.registered().by_number.is_empty()
    }

    /// Reads the next events, and passes them on. Returns whether there is more to read at once.
    pub async fn round(&self) -> Result<bool, Unavailable> {
        let Some(reading) = self.registered().next_reading() else { return Ok(false) };
        let updates = self.updates.after(reading.from.clone(), reading.watched.clone(), LIMIT).await?;
        let frames: Vec<Option<Frame>> = updates.updates.iter().map(|placed| rendered(&placed.update)).collect();
        let some_are_behind = self.registered().tell(&reading, &updates, &frames);
        // A replica may not have come yet to where another one was.
        let is_stuck = reading.of_late && updates.reached.place() <= reading.from.place();
        Ok(updates.more || (some_are_behind && !is_stuck))
    }
}

/// Orders are shown to their customers and to staff alike.
fn rendered(update: &Update) -> Option<Frame> {
    let frame = match update {
        Update::Order(order) => Frame::of(&OrderResponse::with_lines(order)),
        Update::Ticket(ticket) => Frame::of(&TicketResponse::from(ticket)),
    };
    frame.inspect_err(|error| tracing::error!(%error, "an update cannot be written")).ok()
}
