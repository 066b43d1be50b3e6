use std::{
    future::Future,
    pin::{Pin, pin},
    rc::Rc,
    task::Poll,
    time::Duration,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::CONTENT_LENGTH,
    web::{Bytes, BytesMut},
};
use futures_util::{StreamExt, poll};
use serde::de::DeserializeOwned;

use super::{
    content::{check_charset, check_json},
    objects::Objects,
};
#[cfg(any(test, fuzzing))]
use crate::fuzzing::Reader;
use crate::http::{
    middleware::Place,
    openapi::{Describe, Description},
    problem::{Code, Operation, Problem},
    validation::{Violation, ViolationCode},
};

/// The largest body in KiB, unless its endpoint says otherwise.
const BODY_KIB: usize = 64;

/// The largest event of the payment gateway in bytes: 512 KiB.
const EVENT_LIMIT: usize = 512 * 1024;

/// How long a client may take to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(4);
/// The share of the request's remaining time that its body may take, so that the client still learns what was late.
const BODY_SHARE: f32 = 0.8;

/// A JSON body of at most `KIB` KiB.
pub struct Json<T, const KIB: usize = BODY_KIB>(pub T);

/// A JSON body; the default if there is none, or null.
pub struct JsonOrNothing<T>(pub T);

/// A body as it came, byte for byte.
pub struct RawBody(pub Bytes);

impl FromRequest for RawBody {
    type Error = Problem;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let content = check_charset(request);
        let body = read(request, payload, EVENT_LIMIT);
        Box::pin(async move {
            content?;
            body.await.map(Self)
        })
    }
}

impl Describe for RawBody {
    fn describe(description: &mut Description) {
        description.problems(&[Code::InvalidRequest, Code::PayloadTooLarge, Code::UnsupportedMediaType]);
    }
}

impl<T: DeserializeOwned, const KIB: usize> Describe for Json<T, KIB> {
    fn describe(description: &mut Description) {
        description.problems(&JSON_PROBLEMS);
        #[cfg(any(test, fuzzing))]
        description.readers.push(Reader::Body(|body| drop(fuzzed::read::<T>(body))));
    }
}

impl<T: DeserializeOwned> Describe for JsonOrNothing<T> {
    fn describe(description: &mut Description) {
        description.problems(&JSON_PROBLEMS);
        #[cfg(any(test, fuzzing))]
        description.readers.push(Reader::Body(|body| drop(fuzzed::read::<T>(body))));
    }
}

/// What holds of every body, for the fuzz targets.
#[cfg(any(test, fuzzing))]
pub(super) mod fuzzed {
    use super::{Code, DeserializeOwned, parse};

    /// What a body says, if it can be read. Otherwise the problem names the place.
    pub fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
        let problem = match parse(body) {
            Ok(value) => return Some(value),
            Err(problem) => problem,
        };
        assert_eq!(problem.code, Code::InvalidRequest);
        for violation in &problem.errors {
            let pointer = &violation.pointer;
            assert!(pointer.is_empty() || pointer.starts_with('/'), "{pointer:?} is no pointer");
        }
        None
    }
}

/// How a body can be refused, by what reads it and by what checks its values.
const JSON_PROBLEMS: [Code; 4] =
    [Code::InvalidRequest, Code::PayloadTooLarge, Code::UnsupportedMediaType, Code::ValidationFailed];

type Reading<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

impl<T: DeserializeOwned + 'static, const KIB: usize> FromRequest for Json<T, KIB> {
    type Error = Problem;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let content = check_json(request);
        let body = read(request, payload, KIB * 1024);
        Box::pin(async move {
            content?;
            parse(&body.await?).map(Self)
        })
    }
}

impl<T: DeserializeOwned + Default + 'static> FromRequest for JsonOrNothing<T> {
    type Error = Problem;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let json = check_json(request);
        let body = read(request, payload, BODY_KIB * 1024);
        Box::pin(async move {
            let body = body.await?;
            if body.is_empty() {
                return Ok(Self(T::default()));
            }
            json?;
            parse::<Option<T>>(&body).map(|body| Self(body.unwrap_or_default()))
        })
    }
}

fn read(
    request: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
) -> impl Future<Output = Result<Bytes, Problem>> + 'static {
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let mut payload = payload.take();
    let place = request.extensions().get::<Rc<Place>>().cloned();
    let too_large =
        move || Problem::new(Code::PayloadTooLarge, format!("A body may have at most {} KiB.", limit / 1024));
    let collect = async move {
        if announced.is_some_and(|length: u64| length > limit as u64) {
            return Err(too_large());
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| {
                Problem::new(Code::InvalidRequest, format!("The body did not arrive whole: {error}."))
            })?;
            if body.len() + chunk.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    let collect = async move {
        let mut collect = pin!(collect);
        if let Poll::Ready(whole) = poll!(collect.as_mut()) {
            return whole;
        }
        // The HTTP layer hands over what arrived along with the head only once the first poll has returned.
        tokio::task::yield_now().await;
        if let Poll::Ready(whole) = poll!(collect.as_mut()) {
            return whole;
        }
        // The rest depends on the client: while it takes its time, another request may be worked on.
        let Some(place) = place else { return collect.await };
        place.give_up();
        let whole = collect.await?;
        if place.take() { Ok(whole) } else { Err(Problem::overloaded(Operation::Request)) }
    };
    async move {
        let limit = comanda_deadline::left().map_or(BODY_TIMEOUT, |left| BODY_TIMEOUT.min(left.mul_f32(BODY_SHARE)));
        tokio::time::timeout(limit, collect)
            .await
            .unwrap_or_else(|_| Err(Problem::new(Code::InvalidRequest, "The body did not arrive in time.")))
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    T::deserialize(Objects(&mut json)).and_then(|value| json.end().map(|()| value)).or_else(|_| {
        // Parsed again, keeping track of where it goes wrong: only requests with a mistake pay for that.
        let mut json = serde_json::Deserializer::from_slice(body);
        let value: T = serde_path_to_error::deserialize(Objects(&mut json)).map_err(|error| malformed(&error))?;
        json.end().map_err(|error| Problem::new(Code::InvalidRequest, format!("The body is not JSON: {error}.")))?;
        Ok(value)
    })
}

fn malformed(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let cause = error.inner();
    if cause.is_syntax() || cause.is_eof() {
        return Problem::new(Code::InvalidRequest, format!("The body is not JSON: {cause}."));
    }
    let pointer: String = error.path().iter().map(segment).collect();
    // Clients have the pointer, and do not need "… at line 1 column 2".
    let text = cause.to_string();
    let detail = text.split(" at line ").next().unwrap_or(&text).to_owned();
    let code = if detail.starts_with("unknown field") {
        ViolationCode::UnknownField
    } else if detail.starts_with("missing field") {
        ViolationCode::MissingField
    } else if detail.starts_with("duplicate field") {
        ViolationCode::DuplicateField
    } else {
        ViolationCode::WrongType
    };
    Problem::new(Code::InvalidRequest, format!("The body does not have the shape it should: {detail}."))
        .errors(vec![Violation { pointer, code, detail }])
}

fn segment(segment: &serde_path_to_error::Segment) -> String {
    use serde_path_to_error::Segment::{Enum, Map, Seq, Unknown};
    match segment {
        Seq { index } => format!("/{index}"),
        // RFC 6901, section 3.
        Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Enum { .. } | Unknown => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use actix_http::h1;
    use actix_web::test::TestRequest;

    use super::*;
    use crate::http::middleware::Admission;

    #[tokio::test]
    async fn a_body_that_arrives_with_its_head_keeps_the_place_of_its_request() {
        let admission = Admission::new(1);
        for arrives in [true, false] {
            let admitted = admission.admit().unwrap();
            let request = TestRequest::default().to_http_request();
            request.extensions_mut().insert(admitted.place());
            let (mut sender, payload) = h1::Payload::create(false);
            let mut reading = pin!(read(&request, &mut Payload::from(payload), BODY_KIB * 1024));
            assert!(poll!(reading.as_mut()).is_pending());
            if arrives {
                sender.feed_data(Bytes::from_static(b"{}"));
                sender.feed_eof();
                assert!(admission.admit().is_none(), "it has its place");
                assert_eq!(reading.await.unwrap(), "{}");
            } else {
                assert!(poll!(reading.as_mut()).is_pending());
                assert!(admission.admit().is_some(), "it has left its place to others");
            }
        }
    }
}
