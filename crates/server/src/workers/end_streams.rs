use std::{convert::Infallible, time::Duration};

use super::worker::{Period, Worker};
use crate::http::Streams;

/// Ends event streams when they have to end. After this time at most, once it is known that a session was closed.
pub fn end_streams(streams: Streams) -> Worker {
    const PERIOD: Period = Period::of(Duration::from_millis(500));
    Worker::every(PERIOD, "end_streams", move || {
        streams.end_those_due();
        async { Ok::<(), Infallible>(()) }
    })
}
