use std::{
    convert::Infallible,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use utoipa::openapi::Required;

use crate::http::openapi::{Describe, Description, text};

const HEADER: &str = "Last-Event-ID";

/// The id of the last event that a client has seen, whatever it is; `None` for one that has seen nothing.
pub struct LastEventId(pub Option<String>);

impl FromRequest for LastEventId {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.headers().get(HEADER).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        ready(Ok(Self(id.filter(|id| !id.is_empty()))))
    }
}

impl Describe for LastEventId {
    fn describe(description: &mut Description) {
        let meaning = "The `id` of the last event that arrived, at whichever server: the stream goes on after it. One \
                       that is not known, or too old, is not refused: a `reset` says so, and a `snapshot` follows.";
        description.header(HEADER, Required::False, text(), meaning);
    }
}
