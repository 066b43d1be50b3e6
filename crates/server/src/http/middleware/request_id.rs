//! The name of a request, in its response and in the logs.

use actix_web::http::header::{HeaderMap, HeaderValue};
use uuid::Uuid;

/// The request's own `X-Request-Id` if that is a sane token, otherwise a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

pub const HEADER: &str = "x-request-id";

impl RequestId {
    pub fn of(headers: &HeaderMap) -> Self {
        let sane = |text: &&str| {
            (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
        };
        let given = headers.get(HEADER).filter(|value| value.to_str().ok().as_ref().is_some_and(sane));
        Self(given.cloned().unwrap_or_else(Self::new_value))
    }

    /// For a request that names none.
    pub fn generated() -> Self {
        Self(Self::new_value())
    }

    fn new_value() -> HeaderValue {
        let mut buffer = Uuid::encode_buffer();
        let text = Uuid::now_v7().hyphenated().encode_lower(&mut buffer);
        // A header may contain letters, digits and hyphens.
        HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("none"))
    }

    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    pub fn header_value(&self) -> HeaderValue {
        self.0.clone()
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
            RequestId::of(&headers).as_str().to_owned()
        };
        assert_eq!(of(b"order-1.2:3_4"), "order-1.2:3_4");
        for odd in [&b""[..], b"a b", b"a\"b", &[b'a'; 129], b"\xff"] {
            assert_eq!(of(odd).len(), 36);
        }
        assert_ne!(RequestId::of(&HeaderMap::new()), RequestId::of(&HeaderMap::new()));
    }
}
