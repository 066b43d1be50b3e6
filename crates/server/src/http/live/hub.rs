//! One reader of events for all streams of the process.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use actix_web::web::Bytes;
use comanda_domain::{
    OrderId, StationId, StreamPosition,
    ports::{LiveUpdates, PlacedUpdate, Unavailable, Update, Updates, Watched},
};
use tokio::sync::{Notify, mpsc};

use super::Frame;
use crate::http::{kitchen::TicketResponse, wire::OrderResponse};

/// How many events one query looks at.
const LIMIT: u32 = 5_000;

/// How many events wait for a client that reads slowly. Then its stream ends, and it comes again where it was.
const WAITING: usize = 64;

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
    events: mpsc::Sender<Bytes>,
}

/// A stream's place at the hub, until it is dropped.
pub struct Listening {
    hub: Arc<Hub>,
    number: u64,
    events: mpsc::Receiver<Bytes>,
}

impl Listening {
    /// The next event as it is sent; `None`: the stream has to begin again.
    pub async fn next(&mut self) -> Option<Bytes> {
        self.events.recv().await
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
        let place = |listener: &&Listener| listener.position.place();
        let least = self.by_number.values().min_by_key(place)?;
        let frontier = self.frontier.as_ref().map(StreamPosition::place);
        let on_time = self.by_number.values().filter(|listener| Some(listener.position.place()) >= frontier);
        let from = if self.turn_of_late { least } else { on_time.min_by_key(place).unwrap_or(least) };
        let mut watched = Watched::default();
        for listener in self.by_number.values() {
            match listener.topic {
                Topic::Order(id) => watched.orders.push(id),
                Topic::Kitchen(_) => watched.tickets = true,
            }
        }
        watched.orders.sort_unstable();
        watched.orders.dedup();
        let (from, of_late) = (from.position.clone(), self.turn_of_late);
        Some(Reading { from, watched, before: self.next_number, of_late })
    }

    /// Passes on what was read. Who cannot follow, or is in another history, is let go. Returns whether some are
    /// behind.
    fn tell(&mut self, reading: &Reading, updates: &Updates, frames: &[Option<Frame>]) -> bool {
        let reached = &updates.reached;
        self.by_number.retain(|number, listener| {
            if listener.position.history != reached.history {
                return false;
            }
            // One that came meanwhile was not asked for, and for one that is farther behind, there is more before.
            if *number >= reading.before || listener.position.place() < reading.from.place() {
                return true;
            }
            for (PlacedUpdate { transaction, event, update }, frame) in updates.updates.iter().zip(frames) {
                if !listener.topic.covers(update) || !listener.position.precedes(*transaction, *event) {
                    continue;
                }
                listener.position = listener.position.after(*transaction, *event, reached.given_at);
                if let Some(frame) = frame
                    && listener.events.try_send(frame.at(&listener.position)).is_err()
                {
                    return false;
                }
            }
            listener.position = listener.position.after(reached.transaction, reached.event, reached.given_at);
            true
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
        let number = {
            let mut registered = self.registered();
            let number = registered.next_number;
            registered.next_number += 1;
            registered.by_number.insert(number, Listener { topic, position, events: sender });
            number
        };
        self.wake();
        Listening { hub: Arc::clone(self), number, events }
    }

    /// There may be something to read.
    pub fn wake(&self) {
        self.work.notify_one();
    }

    /// Resolves after [`Hub::wake`].
    pub async fn woken(&self) {
        self.work.notified().await;
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
        Update::Order(order) => Frame::new("order", &OrderResponse::with_lines(order)),
        Update::Ticket(ticket) => Frame::new("ticket", &TicketResponse::from(ticket)),
    };
    frame.inspect_err(|error| tracing::error!(%error, "an update cannot be written")).ok()
}
