//! What Stripe's errors mean (<https://docs.stripe.com/api/errors>, <https://docs.stripe.com/error-codes>).

use comanda_domain::ports::{GatewayError, Unavailable};
use reqwest::{StatusCode, header::HeaderMap};
use serde::Deserialize;
use thiserror::Error;

#[derive(Default, Deserialize)]
struct ErrorResponse {
    error: ErrorDocument,
}

#[derive(Default, Deserialize)]
struct ErrorDocument {
    #[serde(default)]
    message: String,
    r#type: Option<String>,
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
}

/// Why Stripe did not carry out a request.
pub(crate) enum Failure {
    /// It never will.
    Refused(ErrorStatus),
    /// It will not before an operator has given us another key, or this key another permission.
    Misconfigured(ErrorStatus),
    /// It may another time.
    Unavailable(Unavailable),
}

/// Errors that another request can mend by itself, whatever the status that comes with them.
const TRANSIENT: [&str; 6] =
    ["api_connection_error", "api_error", "idempotency_key_in_use", "lock_timeout", "rate_limit", "rate_limit_error"];

/// Errors about our account and its keys, whatever the status that comes with them.
const OURS: [&str; 9] = [
    "account_invalid",
    "api_key_expired",
    "authentication_error",
    "authentication_required_for_api",
    "livemode_mismatch",
    "permission_error",
    "platform_api_key_expired",
    "secret_key_required",
    "testmode_charges_only",
];

impl Failure {
    /// Reads a response that is no success.
    pub(crate) fn read(status: StatusCode, headers: &HeaderMap, body: &str) -> Self {
        let ErrorResponse { error } = serde_json::from_str(body).unwrap_or_default();
        let (kind, code) = (error.r#type.unwrap_or_default(), error.code.unwrap_or_default());
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
        let is_ours = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) || is_one_of(&OURS);
        let error = ErrorStatus { status, kind, code, message: error.message };
        if is_transient {
            Self::Unavailable(Unavailable::new(error))
        } else if is_ours {
            Self::Misconfigured(error)
        } else {
            Self::Refused(error)
        }
    }
}

impl From<Failure> for GatewayError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => Self::Refused(error.to_string()),
            Failure::Misconfigured(error) => Self::Misconfigured(error.to_string()),
            Failure::Unavailable(cause) => Self::Unavailable(cause),
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
    fn a_body_that_is_no_error_is_judged_by_its_status() {
        for (status, expected) in [(400, false), (502, true)] {
            let failure = Failure::read(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), "<html>");
            assert_eq!(matches!(failure, Failure::Unavailable(_)), expected);
        }
    }
}
