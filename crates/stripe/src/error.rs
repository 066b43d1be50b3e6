//! What Stripe's errors mean (<https://docs.stripe.com/api/errors>, <https://docs.stripe.com/error-codes>).

use comanda_domain::ports::{GatewayError, Unavailable};
use reqwest::{StatusCode, header::HeaderMap};
use serde::Deserialize;
use thiserror::Error;

#[derive(Deserialize)]
struct ErrorResponse {
    error: ErrorDocument,
}

/// Every error of Stripe has a type. A body without one was written by somebody else on the way there.
#[derive(Deserialize)]
struct ErrorDocument {
    r#type: String,
    #[serde(default)]
    message: String,
    code: Option<String>,
}

/// Stripe responded with an error.
#[derive(Debug, Error)]
#[error("Stripe responded with {status} ({kind}, {code}): {message}")]
pub(crate) struct ErrorStatus {
    pub(crate) status: StatusCode,
    kind: String,
    code: String,
    message: String,
    /// It is the stored response to an earlier request with the same idempotency key.
    replayed: bool,
}

impl ErrorStatus {
    /// Whether Stripe does not know what the request is about.
    pub(crate) fn is_missing(&self) -> bool {
        self.code == "resource_missing"
    }
}

/// Why Stripe did not carry out a request.
pub(crate) enum Failure {
    /// It never will.
    Refused(ErrorStatus),
    /// It will not before an operator has given us another key, this key another permission, the account money, or has
    /// mended the way to Stripe.
    Misconfigured(ErrorStatus),
    /// It may another time.
    Unavailable(ErrorStatus),
    /// Whether it has, is not known.
    Unreachable(Unavailable),
    /// It has responded with something that cannot be read.
    Unreadable(Unavailable),
}

/// Errors that another request can mend by itself, whatever the status that comes with them.
const TRANSIENT: [&str; 6] =
    ["api_connection_error", "api_error", "idempotency_key_in_use", "lock_timeout", "rate_limit", "rate_limit_error"];

/// Errors about our account and its keys, whatever the status that comes with them.
const OURS: [&str; 10] = [
    "account_invalid",
    "api_key_expired",
    "authentication_error",
    "authentication_required_for_api",
    "balance_insufficient",
    "livemode_mismatch",
    "permission_error",
    "platform_api_key_expired",
    "secret_key_required",
    "testmode_charges_only",
];

impl Failure {
    /// Reads a response that is no success.
    pub(crate) fn read(status: StatusCode, headers: &HeaderMap, body: &str) -> Self {
        let document = serde_json::from_str::<ErrorResponse>(body).ok().map(|response| response.error);
        let is_stripes = document.is_some();
        let (kind, code, message) = match document {
            Some(error) => (error.r#type, error.code.unwrap_or_default(), error.message),
            None => (String::new(), String::new(), "not Stripe's own words".to_owned()),
        };
        let is_one_of = |names: &[&str]| names.contains(&kind.as_str()) || names.contains(&code.as_str());
        // `false` says not to ask again at once, which nobody does here: it comes with rate limits, too.
        let should_retry = headers.get("stripe-should-retry").is_some_and(|value| value == "true");
        let is_transient = should_retry
            || is_one_of(&TRANSIENT)
            || matches!(
                status,
                StatusCode::REQUEST_TIMEOUT
                    | StatusCode::CONFLICT
                    | StatusCode::FAILED_DEPENDENCY
                    | StatusCode::TOO_EARLY
                    | StatusCode::TOO_MANY_REQUESTS
            )
            || !status.is_client_error();
        let is_ours =
            matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) || is_one_of(&OURS) || !is_stripes;
        let replayed = headers.get("idempotent-replayed").is_some_and(|value| value == "true");
        let error = ErrorStatus { status, kind, code, message, replayed };
        if is_transient {
            Self::Unavailable(error)
        } else if is_ours {
            Self::Misconfigured(error)
        } else {
            Self::Refused(error)
        }
    }

    /// What is asked for exists, as our books say: a key that does not see it is of another account, or of the other
    /// mode.
    pub(crate) fn of_known(self) -> Self {
        match self {
            Self::Refused(error) if error.is_missing() => Self::Misconfigured(error),
            failure => failure,
        }
    }

    /// Whether the same request can succeed under another idempotency key alone: under this one, Stripe repeats a
    /// failure for a day.
    pub(crate) const fn needs_another_key(&self) -> bool {
        matches!(self, Self::Misconfigured(error) | Self::Unavailable(error) if error.replayed)
    }
}

impl From<Failure> for GatewayError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => Self::Refused(error.to_string()),
            Failure::Misconfigured(error) => Self::Misconfigured(error.to_string()),
            Failure::Unavailable(error) => Self::Unavailable(Unavailable::new(error)),
            Failure::Unreachable(cause) | Failure::Unreadable(cause) => Self::Unavailable(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    enum Class {
        Refused,
        Misconfigured,
        Unavailable,
    }

    fn class(status: u16, kind: &str, code: &str, should_retry: Option<&str>) -> Class {
        let body = serde_json::json!({ "error": { "type": kind, "code": code, "message": "…" } }).to_string();
        let mut headers = HeaderMap::new();
        if let Some(value) = should_retry {
            headers.insert("stripe-should-retry", value.parse().unwrap());
        }
        match Failure::read(StatusCode::from_u16(status).unwrap(), &headers, &body) {
            Failure::Refused(_) => Class::Refused,
            Failure::Misconfigured(_) => Class::Misconfigured,
            Failure::Unavailable(_) => Class::Unavailable,
            Failure::Unreachable(_) | Failure::Unreadable(_) => panic!("there is a response"),
        }
    }

    #[test]
    fn each_documented_error_is_retried_only_where_that_can_help() {
        use Class::{Misconfigured, Refused, Unavailable};
        for (status, kind, code, expected) in [
            (400, "invalid_request_error", "amount_too_small", Refused),
            (400, "invalid_request_error", "amount_too_large", Refused),
            (400, "invalid_request_error", "parameter_invalid_integer", Refused),
            (400, "invalid_request_error", "currency_not_supported", Refused),
            (400, "idempotency_error", "", Refused),
            (402, "card_error", "card_declined", Refused),
            (404, "invalid_request_error", "resource_missing", Refused),
            (400, "invalid_request_error", "balance_insufficient", Misconfigured),
            (401, "invalid_request_error", "api_key_expired", Misconfigured),
            (401, "authentication_error", "", Misconfigured),
            (403, "invalid_request_error", "", Misconfigured),
            (403, "permission_error", "", Misconfigured),
            (400, "invalid_request_error", "testmode_charges_only", Misconfigured),
            (400, "invalid_request_error", "secret_key_required", Misconfigured),
            (400, "invalid_request_error", "lock_timeout", Unavailable),
            (429, "invalid_request_error", "lock_timeout", Unavailable),
            (429, "rate_limit_error", "rate_limit", Unavailable),
            (409, "idempotency_error", "idempotency_key_in_use", Unavailable),
            (424, "api_error", "", Unavailable),
            (500, "api_error", "", Unavailable),
            (503, "api_error", "", Unavailable),
            (301, "", "", Unavailable),
        ] {
            assert_eq!(class(status, kind, code, None), expected, "{status} {kind} {code}");
        }
    }

    #[test]
    fn stripe_can_ask_for_another_attempt_and_a_rate_limit_is_no_refusal() {
        assert_eq!(class(400, "invalid_request_error", "", Some("true")), Class::Unavailable);
        assert_eq!(class(400, "invalid_request_error", "", Some("false")), Class::Refused);
        assert_eq!(class(429, "invalid_request_error", "rate_limit", Some("false")), Class::Unavailable);
    }

    #[test]
    fn nothing_is_refused_for_good_by_whoever_is_not_stripe() {
        for body in ["<html>", "", "{}", r#"{"error":"forbidden"}"#, r#"{"error":{"code":404,"message":"no route"}}"#] {
            for (status, unavailable) in [(400, false), (404, false), (407, false), (418, false), (502, true)] {
                let failure = Failure::read(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body);
                assert_eq!(matches!(failure, Failure::Unavailable(_)), unavailable, "{status} {body}");
                assert_eq!(matches!(failure, Failure::Misconfigured(_)), !unavailable, "{status} {body}");
            }
        }
    }

    #[test]
    fn what_our_books_know_and_the_key_does_not_see_is_a_wrong_key() {
        let missing = r#"{"error":{"type":"invalid_request_error","code":"resource_missing"}}"#;
        for status in [StatusCode::NOT_FOUND, StatusCode::BAD_REQUEST] {
            let failure = Failure::read(status, &HeaderMap::new(), missing).of_known();
            assert!(matches!(failure, Failure::Misconfigured(_)));
        }
    }
}
