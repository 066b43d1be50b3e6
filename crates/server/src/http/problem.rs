//! Errors as clients see them: RFC 9457 `application/problem+json`.

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use chrono::TimeDelta;
use comanda_domain::{ports::Unavailable, rate_limit::Allowance};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    request_id::RequestId,
    retry_hints::{rate_limit_headers, whole_seconds},
};

macro_rules! codes {
    ($($variant:ident = $status:ident, $code:literal, $title:literal, $meaning:literal;)+) => {
        /// What went wrong, by a name that never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($variant),+ }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status),+ }
            }

            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }

            /// For the page that `type` points at.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),+ }
            }
        }
    };
}

codes! {
    InvalidRequest = BAD_REQUEST, "invalid-request", "The request is malformed",
        "The body is not JSON, a field has the wrong type or is not known, or a header or parameter cannot be read. Sending the same request again will not help.";
    InvalidCursor = BAD_REQUEST, "invalid-cursor", "The cursor is not valid",
        "A cursor must come unchanged from next_cursor of the same list. Start again without one.";
    Unauthenticated = UNAUTHORIZED, "unauthenticated", "Not signed in",
        "The request needs an access token, and it has none or one that is not valid any more. Sign in with POST /v1/sessions.";
    InvalidCredentials = UNAUTHORIZED, "invalid-credentials", "The e-mail address or the password is wrong",
        "Which of the two is not said, nor whether the address has an account.";
    SessionRevoked = UNAUTHORIZED, "session-revoked", "The session has ended",
        "Somebody signed out, the password or the role was changed, or a refresh token was used twice, which means that two parties have it. Sign in again.";
    InvalidOrigin = FORBIDDEN, "invalid-origin", "The request does not come from a page that may send it",
        "With a session cookie, Origin must be this server's or an allowed one; without Origin, Sec-Fetch-Site must say same-origin or none, or Referer must match.";
    InvalidCsrfToken = FORBIDDEN, "invalid-csrf-token", "The X-CSRF-Token is missing or wrong",
        "With a session cookie, requests that change something need the csrf_token of this session, in the cookie and in the header X-CSRF-Token.";
    Forbidden = FORBIDDEN, "forbidden", "Not allowed",
        "The account's role does not allow this.";
    NotFound = NOT_FOUND, "not-found", "Not found",
        "There is no such thing, or it belongs to somebody else.";
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed here",
        "The Allow header lists the methods that are.";
    EmailTaken = CONFLICT, "email-taken", "The e-mail address has an account already",
        "Sign in with it instead, or use another address.";
    InsufficientStock = CONFLICT, "insufficient-stock", "There is not enough left",
        "items lists every menu item there is not enough of, with what was asked for and what was left. Nothing was taken.";
    StockChanged = CONFLICT, "stock-changed", "The stock kept changing",
        "Other requests won every time until the deadline. Nothing was taken; try again.";
    InvalidTransition = CONFLICT, "invalid-transition", "The order does not go there from here",
        "An order goes from pending to accepted, preparing, ready and completed, one step at a time, and can be cancelled by its customer until it is being prepared and by staff until it is completed.";
    AlreadyPaid = CONFLICT, "already-paid", "The order is paid",
        "There is nothing left to pay. GET /v1/orders/{id}?include=payments shows how it was paid.";
    IdempotencyInProgress = CONFLICT, "idempotency-in-progress", "The first request is still in progress",
        "A request with the same Idempotency-Key has not ended yet. Ask again in a moment.";
    PreconditionFailed = PRECONDITION_FAILED, "precondition-failed", "It was changed meanwhile",
        "The revision in If-Match is not the current one. Read the item again, and decide again.";
    PayloadTooLarge = PAYLOAD_TOO_LARGE, "payload-too-large", "The body is too large",
        "A body may have at most 64 KiB.";
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body is not JSON",
        "Send Content-Type: application/json.";
    ValidationFailed = UNPROCESSABLE_ENTITY, "validation-failed", "A value is out of its range",
        "errors lists every fault with a JSON pointer to the value. Nothing was done.";
    UnknownItem = UNPROCESSABLE_ENTITY, "unknown-item", "Not on the menu",
        "errors points at every line whose menu item does not exist or cannot be ordered at the moment.";
    IdempotencyKeyReused = UNPROCESSABLE_ENTITY, "idempotency-key-reused", "The idempotency key stands for another request",
        "A key may be sent again only with the same request. Use a new one.";
    PreconditionRequired = PRECONDITION_REQUIRED, "precondition-required", "If-Match is missing",
        "Send the ETag of the item you have seen as If-Match, so that nobody's change is overwritten unseen.";
    AccountLocked = TOO_MANY_REQUESTS, "account-locked", "Too many wrong passwords",
        "The address is locked; it opens by itself after Retry-After seconds. While it is locked no password is checked, and trying does not prolong it.";
    RateLimited = TOO_MANY_REQUESTS, "rate-limited", "Too many tries",
        "Too many tries came from this address, or too many at once for one account. Try again after Retry-After seconds.";
    Internal = INTERNAL_SERVER_ERROR, "internal", "Something is broken",
        "It is not your fault. The request id helps us find it.";
    Unavailable = SERVICE_UNAVAILABLE, "unavailable", "Not available at the moment",
        "operation names what cannot be done now. Try again after Retry-After seconds.";
}

/// A fault of one value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldFault {
    /// Where it is in the request's body (RFC 6901), or `/` and the name of a query parameter.
    #[schema(example = "/items/0/quantity")]
    pub pointer: String,
    /// What is wrong, by a name that never changes.
    #[schema(example = "out-of-range")]
    pub code: &'static str,
    /// What is wrong, for people.
    pub detail: String,
}

/// An answer that is an error.
#[derive(Clone, Debug)]
pub struct Problem {
    pub code: Code,
    detail: String,
    errors: Vec<FieldFault>,
    extensions: Map<String, Value>,
    retry_after: Option<u32>,
    allowance: Option<Box<Allowance>>,
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { code, detail, errors: Vec::new(), extensions: Map::new(), retry_after: None, allowance: None }
    }

    /// The cause goes to the log; the client learns which operation failed and when to try again.
    pub fn unavailable(operation: &'static str, cause: &Unavailable) -> Self {
        if cause.is_overload() || cause.wait().is_some() {
            // Refused on purpose, and perhaps many times a second; metrics count it.
            tracing::debug!(operation, %cause, "unavailable");
        } else {
            tracing::warn!(operation, %cause, "unavailable");
        }
        let wait = cause.wait().and_then(|wait| TimeDelta::from_std(wait).ok()).unwrap_or_default();
        Self::overloaded(operation).retry_after(whole_seconds(wait))
    }

    /// Like [`Problem::unavailable`], where there is nothing to log.
    pub fn overloaded(operation: &'static str) -> Self {
        Self::new(Code::Unavailable, "This cannot be done at the moment; please try again.")
            .with("operation", Value::from(operation))
            .retry_after(1)
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what}."))
    }

    pub fn errors(mut self, errors: Vec<FieldFault>) -> Self {
        self.errors = errors;
        self
    }

    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.extensions.insert(name.to_owned(), value);
        self
    }

    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Tells a client how often it may try.
    pub fn allowance(mut self, allowance: Allowance) -> Self {
        self.allowance = Some(Box::new(allowance));
        self
    }

    /// What stands for an error that the framework answered by itself.
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::new(Code::NotFound, "There is nothing at this address."),
            StatusCode::METHOD_NOT_ALLOWED => {
                Self::new(Code::MethodNotAllowed, "This address does not take this method.")
            }
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(Code::PayloadTooLarge, "A body may have at most 64 KiB."),
            StatusCode::SERVICE_UNAVAILABLE => Self::overloaded("http.request"),
            status if status.is_client_error() => Self::new(Code::InvalidRequest, "The request cannot be understood."),
            _ => Self::new(Code::Internal, "Something went wrong."),
        }
    }

    /// The document, for the request it answers.
    pub fn body(&self, instance: &RequestId) -> String {
        let mut document = Map::new();
        document.insert("type".to_owned(), format!("/problems/{}", self.code.as_str()).into());
        document.insert("title".to_owned(), self.code.title().into());
        document.insert("status".to_owned(), self.code.status().as_u16().into());
        document.insert("detail".to_owned(), self.detail.as_str().into());
        document.insert("instance".to_owned(), instance.as_str().into());
        document.insert("code".to_owned(), self.code.as_str().into());
        if !self.errors.is_empty() {
            let errors = self.errors.iter().map(
                |fault| serde_json::json!({ "pointer": fault.pointer, "code": fault.code, "detail": fault.detail }),
            );
            document.insert("errors".to_owned(), errors.collect());
        }
        document.extend(self.extensions.clone());
        Value::Object(document).to_string()
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    /// The headers; the envelope, which knows the request id, adds the body.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.code.status());
        if let Some(seconds) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if let Some(allowance) = &self.allowance {
            for header in rate_limit_headers(**allowance) {
                response.insert_header(header);
            }
        }
        if matches!(self.code, Code::Unauthenticated | Code::SessionRevoked) {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        let mut response = response.finish();
        response.extensions_mut().insert(self.clone());
        response
    }
}

/// The document's shape, for the API's documentation.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// A page that explains the code.
    #[schema(example = "/problems/insufficient-stock")]
    r#type: String,
    title: String,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    detail: String,
    /// The request id.
    instance: String,
    #[schema(example = "insufficient-stock")]
    code: String,
    /// Every fault at once, where values are at fault.
    errors: Option<Vec<FieldFault>>,
    /// What cannot be done at the moment (`unavailable`).
    operation: Option<String>,
    /// Every menu item there is not enough of (`insufficient-stock`).
    items: Option<Vec<ShortageDocument>>,
}

/// A menu item there is not enough of.
#[derive(Serialize, ToSchema)]
#[schema(as = Shortage)]
pub struct ShortageDocument {
    pub menu_item_id: uuid::Uuid,
    pub requested: u32,
    pub available: u32,
}
