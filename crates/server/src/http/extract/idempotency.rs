use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use comanda_application::IdempotentRequest;
use comanda_domain::idempotency::{IdempotencyKey, RequestFingerprint};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::http::problem::{Code, Problem};

/// The `Idempotency-Key` header, if sent.
pub struct IdempotencyHeader {
    key: Option<IdempotencyKey>,
    method_and_path: String,
}

impl IdempotencyHeader {
    /// The key with a digest of what is asked: method, path, and the body as it was understood, so that white space and the
    /// order of fields make no difference.
    pub fn with_body<B: Serialize>(self, body: &B) -> Option<IdempotentRequest> {
        let key = self.key?;
        let mut digest = Sha256::new();
        digest.update(&self.method_and_path);
        digest.update([0]);
        // A body that was read from JSON can be written as JSON.
        digest.update(serde_json::to_vec(body).unwrap_or_default());
        let mut bits = [0; 16];
        bits.copy_from_slice(&digest.finalize()[..16]);
        Some(IdempotentRequest { key, fingerprint: RequestFingerprint::new(bits) })
    }
}

impl FromRequest for IdempotencyHeader {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let key = request
            .headers()
            .get("idempotency-key")
            .map(|value| IdempotencyKey::new(value.to_str().unwrap_or_default()))
            .transpose()
            .map_err(|error| Problem::new(Code::InvalidRequest, format!("Idempotency-Key: {error}.")));
        ready(key.map(|key| Self { key, method_and_path: format!("{} {}", request.method(), request.path()) }))
    }
}
