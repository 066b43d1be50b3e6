//! The name of a request, in its answer and in the logs.

use actix_web::http::header::HeaderMap;
use uuid::Uuid;

/// Taken from the request's `X-Request-Id` where that is a sane token, else new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

pub const HEADER: &str = "x-request-id";

impl RequestId {
    pub fn of(headers: &HeaderMap) -> Self {
        let sane = |text: &&str| {
            (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
        };
        let given = headers.get(HEADER).and_then(|value| value.to_str().ok()).filter(sane);
        Self(given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn takes_a_sane_token_and_replaces_anything_else() {
        let of = |value: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static(HEADER), HeaderValue::from_bytes(value).unwrap());
            RequestId::of(&headers).0
        };
        assert_eq!(of(b"order-1.2:3_4"), "order-1.2:3_4");
        for odd in [&b""[..], b"a b", b"a\"b", &[b'a'; 129], b"\xff"] {
            assert_eq!(of(odd).len(), 36);
        }
        assert_ne!(RequestId::of(&HeaderMap::new()), RequestId::of(&HeaderMap::new()));
    }
}
