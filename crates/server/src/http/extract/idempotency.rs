use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder, dev::Payload, http::StatusCode};
use comanda_application::IdempotentRequest;
use comanda_domain::{IdempotencyKey, KeyRefusal, RequestFingerprint};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use utoipa::openapi::Required;

use super::{Json, JsonOrNothing};
#[cfg(any(test, fuzzing))]
use crate::fuzzing::Reader;
use crate::http::{
    openapi::{Describe, Description, text},
    problem::{Code, Problem},
};

/// A body, and what names the request if it was sent with an `Idempotency-Key`: the key with a digest of method,
/// path, and the body as it was understood, so that white space and the order of fields make no difference.
pub struct Idempotent<B>(pub B, pub Option<IdempotentRequest>);

/// A body whose content can be written again.
pub trait Body: FromRequest<Error = Problem> {
    type Content: Serialize;

    fn content(&self) -> &Self::Content;
}

impl<T: Serialize> Body for Json<T>
where
    Self: FromRequest<Error = Problem>,
{
    type Content = T;

    fn content(&self) -> &T {
        &self.0
    }
}

impl<T: Serialize> Body for JsonOrNothing<T>
where
    Self: FromRequest<Error = Problem>,
{
    type Content = T;

    fn content(&self) -> &T {
        &self.0
    }
}

impl<B: Body + 'static> FromRequest for Idempotent<B> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let key = key(request);
        let digest = Sha256::new().chain_update(format!("{} {}", request.method(), request.path())).chain_update([0]);
        let body = B::from_request(request, payload);
        Box::pin(async move {
            let key = key?;
            let body = body.await?;
            let request = key.map(|key| IdempotentRequest { key, fingerprint: fingerprint(digest, body.content()) });
            Ok(Self(body, request))
        })
    }
}

fn key(request: &HttpRequest) -> Result<Option<IdempotencyKey>, Problem> {
    let header = request.headers().get("idempotency-key");
    let key = header.map(|value| IdempotencyKey::new(value.to_str().unwrap_or_default())).transpose();
    key.map_err(|error| Problem::new(Code::InvalidRequest, format!("Idempotency-Key: {error}.")))
}

fn fingerprint(digest: Sha256, content: &impl Serialize) -> RequestFingerprint {
    // A body that was read from JSON can be written as JSON.
    let digest = digest.chain_update(serde_json::to_vec(content).unwrap_or_default());
    let mut bits = [0; 16];
    bits.copy_from_slice(&digest.finalize()[..16]);
    RequestFingerprint::new(bits)
}

/// A response that says whether it was given before.
pub fn replayable(status: StatusCode, replayed: bool) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    if replayed {
        response.insert_header(("idempotency-replayed", "true"));
    }
    response
}

impl From<KeyRefusal> for Problem {
    fn from(refusal: KeyRefusal) -> Self {
        match refusal {
            KeyRefusal::Reused => {
                Self::new(Code::IdempotencyKeyReused, "The Idempotency-Key was sent before with another request.")
            }
            KeyRefusal::InProgress => {
                Self::new(Code::IdempotencyInProgress, "The first request with this Idempotency-Key has not ended yet.")
            }
        }
    }
}

impl<B: Body + Describe> Describe for Idempotent<B>
where
    B::Content: DeserializeOwned,
{
    fn describe(description: &mut Description) {
        let key = text().pattern(Some(r"^[\x21-\x7E]+$")).min_length(Some(1)).max_length(Some(255));
        let meaning =
            "Makes the request repeatable: for 24 h, the same key with the same body gets the first response again";
        description.header("Idempotency-Key", Required::False, key, meaning);
        description.problems(&[Code::InvalidRequest]);
        description.replays = true;
        B::describe(description);
        #[cfg(any(test, fuzzing))]
        description.readers.push(Reader::Body(fuzzed::read_twice::<B::Content>));
    }
}

#[cfg(any(test, fuzzing))]
mod fuzzed {
    use serde::{Serialize, de::DeserializeOwned};

    use super::super::json::fuzzed::read;

    /// A body as it was understood is understood the same again: what is digested says all of the request.
    pub fn read_twice<T: DeserializeOwned + Serialize>(body: &[u8]) {
        let Some(content) = read::<T>(body) else { return };
        let written = serde_json::to_vec(&content).unwrap_or_default();
        let again = read::<T>(&written).map(|content| serde_json::to_vec(&content).unwrap_or_default());
        assert_eq!(again.as_deref().map(String::from_utf8_lossy), Some(String::from_utf8_lossy(&written)));
    }
}
