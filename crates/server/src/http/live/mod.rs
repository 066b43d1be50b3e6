//! Event streams: what somebody watches, as it changes.
//!
//! A [`Hub`] reads events for all streams of the process; a [`Streams`] counts them and turns what the hub tells each
//! of them into a response that does not end by itself. What a stream shows first is read by its handler.

mod event_stream;
mod frame;
mod hub;
mod last_event_id;
mod stream;
mod streams;
#[cfg(test)]
mod tests;

pub use self::{
    event_stream::EventStream,
    frame::Frame,
    hub::{Hub, Topic},
    last_event_id::LastEventId,
    streams::{StreamLimits, Streams},
};
