use actix_web::web::{Bytes, BytesMut};
use comanda_application::live::Beginning;
use comanda_domain::StreamPosition;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{kitchen::TicketResponse, wire::OrderResponse};

/// What streams send when something has changed.
pub trait Change: Serialize + ToSchema {
    /// The name of the event.
    const EVENT: &'static str;
}

impl Change for OrderResponse {
    const EVENT: &'static str = "order";
}

impl Change for TicketResponse {
    const EVENT: &'static str = "ticket";
}

/// The name of what a stream begins with.
pub const SNAPSHOT: &str = "snapshot";

/// The name of what comes before, if what a client knows may have a gap.
pub const RESET: &str = "reset";

/// Its data: browsers would not pass on an event without any.
pub const NO_DATA: &str = "{}";

/// An event as it is sent (<https://html.spec.whatwg.org/multipage/server-sent-events.html>), apart from its id. It is
/// rendered once for all streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame(Bytes);

impl Frame {
    /// That this is how something is now.
    pub fn of<T: Change>(changed: &T) -> serde_json::Result<Self> {
        Self::new(T::EVENT, changed)
    }

    /// JSON has no line break but those that it escapes.
    fn new(event: &str, data: &impl Serialize) -> serde_json::Result<Self> {
        Ok(Self(Bytes::from(format!("event: {event}\ndata: {}\n\n", serde_json::to_string(data)?))))
    }

    /// With the position that it leads to, behind what is written already.
    pub fn write_at(&self, position: &StreamPosition, written: &mut BytesMut) {
        written.extend_from_slice(format!("id: {position}\n").as_bytes());
        written.extend_from_slice(&self.0);
    }

    fn at(&self, position: &StreamPosition) -> Bytes {
        let mut written = BytesMut::new();
        self.write_at(position, &mut written);
        written.freeze()
    }

    /// What a stream begins with.
    pub fn beginning(
        beginning: Beginning,
        shown: &impl Serialize,
        position: &StreamPosition,
    ) -> serde_json::Result<Bytes> {
        let snapshot = || Ok::<_, serde_json::Error>(Self::new(SNAPSHOT, shown)?.at(position));
        match beginning {
            Beginning::Snapshot => snapshot(),
            Beginning::Reset => {
                let reset = format!("event: {RESET}\ndata: {NO_DATA}\n\n");
                Ok(Bytes::from([reset.as_bytes(), snapshot()?.as_ref()].concat()))
            }
            // The head of the response is on its way with it: a client that waits for it knows that it listens.
            Beginning::Resumption => Ok(HEARTBEAT),
        }
    }
}

/// A comment, which tells everybody on the way that the stream goes on.
pub const HEARTBEAT: Bytes = Bytes::from_static(b":\n\n");

/// After how many milliseconds to come again.
pub fn retry(milliseconds: u32) -> Bytes {
    Bytes::from(format!("retry: {milliseconds}\n\n"))
}
