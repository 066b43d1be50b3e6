//! Errors as clients see them: RFC 9457 `application/problem+json`.

mod code;
mod document;
mod failure;
mod operation;
mod page;
mod retry_hints;

use std::sync::Arc;

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use chrono::TimeDelta;
use comanda_domain::{
    Allowance,
    ports::{Unavailable, UnreadableRecord, UsedBy},
};
use serde_json::{Map, Value, json};

#[cfg(test)]
pub use self::failure::documents;
pub(crate) use self::failure::problems;
pub use self::{
    code::Code,
    document::{
        ProblemDocument, ShortageDocument, SupplyShortageDocument, USER_KINDS, UnreadableDocument, UsedByDocument,
    },
    failure::{Failure, Problems},
    operation::Operation,
    page::{__path_index, __path_page, index, page},
    retry_hints::{RATE_LIMIT_HEADERS, rate_limit_headers, whole_seconds},
};
use super::{middleware::RequestId, validation::Violation};

/// A response that is an error.
#[derive(Clone, Debug)]
pub struct Problem {
    pub code: Code,
    detail: String,
    pub(in crate::http) errors: Vec<Violation>,
    extensions: Map<String, Value>,
    operation: Option<Operation>,
    cause: Option<Arc<Unavailable>>,
    retry_after: Option<u32>,
    allowance: Option<Box<Allowance>>,
    is_about_the_coding: bool,
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            extensions: Map::new(),
            operation: None,
            cause: None,
            retry_after: None,
            allowance: None,
            is_about_the_coding: false,
        }
    }

    /// Refuses a body for its content coding, and names those that are understood.
    pub fn coding_not_understood() -> Self {
        let detail = "The body must not be compressed: no Content-Encoding but identity is understood.";
        Self { is_about_the_coding: true, ..Self::new(Code::UnsupportedMediaType, detail) }
    }

    /// The cause goes to the log; the client learns which operation failed and when to try again.
    ///
    /// A record that cannot be read is reported as itself. It is in the log already.
    pub fn unavailable(cause: Unavailable) -> Self {
        if let Some(record) = cause.unreadable() {
            return Self::unreadable(record);
        }
        let wait = cause.wait().and_then(|wait| TimeDelta::from_std(wait).ok()).unwrap_or_default();
        let problem = Self::new(Code::Unavailable, "This cannot be done at the moment; please try again.");
        Self { cause: Some(Arc::new(cause)), ..problem.retry_after(whole_seconds(wait)) }
    }

    fn unreadable(record: &UnreadableRecord) -> Self {
        let UnreadableRecord { table, id, column, why: _ } = record;
        let detail = format!("The record {id} in {table} cannot be read, because of its {column}.");
        Self::new(Code::UnreadableRecord, detail).with("record", json!(UnreadableDocument::from(record)))
    }

    /// Like [`Problem::unavailable`], where there is nothing to log.
    pub fn overloaded(operation: Operation) -> Self {
        let problem = Self::new(Code::Unavailable, "This cannot be done at the moment; please try again.");
        problem.retry_after(1).during(operation)
    }

    /// Names what cannot be done, where that is not what the endpoint does as a whole.
    pub fn during(self, operation: Operation) -> Self {
        Self { operation: Some(operation), ..self }
    }

    /// Names what the endpoint does, unless something more precise is named, and logs why it cannot be done.
    pub fn at(&mut self, endpoint: Operation) {
        let operation = self.operation.get_or_insert(endpoint).as_str();
        let Some(cause) = self.cause.take() else { return };
        if cause.is_overload() || cause.wait().is_some() {
            // Refused on purpose, and perhaps many times a second; metrics count it.
            tracing::debug!(operation, %cause, "unavailable");
        } else {
            tracing::warn!(operation, %cause, "unavailable");
        }
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what}."))
    }

    /// The caller has not seen the revision that something is at.
    pub fn stale(current: u32) -> Self {
        Self::new(Code::PreconditionFailed, format!("It is at revision {current} by now."))
    }

    /// There is not enough of something.
    pub fn short(detail: impl Into<String>, items: &[ShortageDocument], supplies: &[SupplyShortageDocument]) -> Self {
        Self::new(Code::InsufficientStock, detail).with("items", json!(items)).with("supplies", json!(supplies))
    }

    /// Something cannot go, or cannot be changed so, because of what uses it.
    pub fn in_use(detail: impl Into<String>, used_by: Vec<UsedBy>) -> Self {
        let used_by: Vec<UsedByDocument> = used_by.into_iter().map(Into::into).collect();
        Self::new(Code::InUse, detail).with("used_by", serde_json::json!(used_by))
    }

    pub fn errors(mut self, errors: Vec<Violation>) -> Self {
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

    /// Adds how many attempts the client has left.
    pub fn allowance(mut self, allowance: Allowance) -> Self {
        self.allowance = Some(Box::new(allowance));
        self
    }

    /// What stands for an error of the framework.
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::new(Code::NotFound, "There is nothing at this address."),
            StatusCode::METHOD_NOT_ALLOWED => {
                Self::new(Code::MethodNotAllowed, "This address does not take this method.")
            }
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(Code::PayloadTooLarge, "A body may have at most 64 KiB."),
            StatusCode::SERVICE_UNAVAILABLE => Self::overloaded(Operation::Request),
            status if status.is_client_error() => Self::new(Code::InvalidRequest, "The request cannot be understood."),
            _ => Self::new(Code::Internal, "Something went wrong."),
        }
    }

    /// The document, for the request it responds to.
    pub fn body(&self, instance: &RequestId) -> String {
        self.body_with(self.code.status(), instance)
    }

    /// The same for a response whose status is not the code's.
    pub fn body_with(&self, status: StatusCode, instance: &RequestId) -> String {
        let mut document = Map::new();
        document.insert("type".to_owned(), format!("/problems/{}", self.code.as_str()).into());
        document.insert("title".to_owned(), self.code.title().into());
        document.insert("status".to_owned(), status.as_u16().into());
        document.insert("detail".to_owned(), self.detail.as_str().into());
        document.insert("instance".to_owned(), instance.as_str().into());
        document.insert("code".to_owned(), self.code.as_str().into());
        if !self.errors.is_empty() {
            document.insert("errors".to_owned(), json!(self.errors));
        }
        if let Some(operation) = self.operation.or((self.code == Code::Unavailable).then_some(Operation::Request)) {
            document.insert("operation".to_owned(), operation.as_str().into());
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
        if self.is_about_the_coding {
            // RFC 9110, sections 12.5.3 and 15.5.16.
            response.insert_header((header::ACCEPT_ENCODING, "identity"));
        }
        if matches!(self.code, Code::Unauthenticated | Code::SessionRevoked) {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        let mut response = response.finish();
        response.extensions_mut().insert(self.clone());
        response
    }
}
