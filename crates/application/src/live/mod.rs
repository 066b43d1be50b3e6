//! Watching orders and tickets as they change.

mod watch_kitchen;
mod watch_order;

use std::sync::Arc;

use comanda_domain::{
    StreamPosition,
    ports::{Clock, LiveUpdates, Opening},
};

/// Who may watch what, and where a stream begins. One file per thing to watch.
pub struct Live {
    pub updates: Arc<dyn LiveUpdates>,
    pub clock: Arc<dyn Clock>,
}

/// A stream that is about to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch<T> {
    /// What is watched, as it is.
    pub shown: T,
    /// From where on updates follow.
    pub position: StreamPosition,
    pub beginning: Beginning,
}

/// What a stream shows first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// What is watched, to a watcher that has seen nothing yet.
    Snapshot,
    /// That updates may have been missed, and then what is watched.
    Reset,
    /// The updates since the watcher was here last.
    Resumption,
}

impl<T> Watch<T> {
    /// `from` is what the watcher says of where it has come to, as far as it was a position.
    fn begin(opening: Opening<T>, from: Option<Option<StreamPosition>>) -> Self {
        let Opening { shown, position, resumes } = opening;
        let (position, beginning) = match from {
            None => (position, Beginning::Snapshot),
            Some(Some(known)) if resumes => (known, Beginning::Resumption),
            Some(_) => (position, Beginning::Reset),
        };
        Self { shown, position, beginning }
    }
}

/// The position that a watcher has come to; within, `None` for what is none.
fn read(last_event_id: Option<&str>) -> Option<Option<StreamPosition>> {
    last_event_id.map(|id| id.parse().ok())
}
