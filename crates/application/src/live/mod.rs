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
    /// `from` is the position in what the watcher says it has seen, if it is one.
    fn begin(opening: Opening<T>, last_event_id: Option<&str>, from: Option<StreamPosition>) -> Self {
        let Opening { shown, position, resumes } = opening;
        let (position, beginning) = match (last_event_id, from) {
            (None, _) => (position, Beginning::Snapshot),
            (Some(_), Some(known)) if resumes => (known, Beginning::Resumption),
            (Some(_), _) => (position, Beginning::Reset),
        };
        Self { shown, position, beginning }
    }
}

/// The position that a watcher has come to. What is none is not known, either.
fn position(last_event_id: Option<&str>) -> Option<StreamPosition> {
    last_event_id.and_then(|id| id.parse().ok())
}
