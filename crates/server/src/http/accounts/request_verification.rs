use actix_web::{HttpResponse, http::StatusCode};
use comanda_application::Accounts;
use comanda_domain::{LimitedAction, ports::RequestMailError};

use super::gone;
use crate::http::{
    extract::{Idempotent, JsonOrNothing, Limiter, Service, SignedIn, replayable},
    problem::{Code, Failure, Problem, problems, whole_seconds},
    wire::Nothing,
};

/// Sends a mail with a token that verifies the caller's address
///
/// The token is valid once, for 24 h. An address that is verified already gets no mail.
#[utoipa::path(
    post, path = "/v1/me/email-verification", operation_id = "request_email_verification",
    request_body(content = Option<Nothing>, content_type = "application/json"),
    responses((status = 202, description = "The mail will be sent"))
)]
pub async fn request_verification(
    accounts: Service<Accounts>,
    SignedIn(actor): SignedIn,
    limiter: Limiter,
    Idempotent(JsonOrNothing(Nothing {}), key): Idempotent<JsonOrNothing<Nothing>>,
) -> Result<HttpResponse, Failure<RequestMailError>> {
    let repeated = accounts.has_requested_verification(actor, key.as_ref()).await;
    if repeated.map_err(RequestMailError::Unavailable)? {
        return Ok(replayable(StatusCode::ACCEPTED, true).finish());
    }
    limiter.admit(LimitedAction::RequestMail).await?;
    let requested = accounts.request_verification(actor, key).await?;
    Ok(replayable(StatusCode::ACCEPTED, requested.replayed).finish())
}

impl From<RequestMailError> for Problem {
    fn from(error: RequestMailError) -> Self {
        match error {
            RequestMailError::NotFound => gone(),
            RequestMailError::TooMany { wait } => {
                let wait = whole_seconds(wait);
                let detail = format!("The address gets no more mails at the moment; try again in {wait} s.");
                Self::new(Code::RateLimited, detail).retry_after(wait)
            }
            RequestMailError::Key(refusal) => refusal.into(),
            RequestMailError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    RequestMailError: [Unauthenticated, RateLimited, IdempotencyKeyReused, IdempotencyInProgress, Unavailable];
    NotFound,
    TooMany { wait: chrono::TimeDelta::seconds(60) },
    Key(comanda_domain::KeyRefusal::Reused) and (comanda_domain::KeyRefusal::InProgress),
    Unavailable(Unavailable::new("test")),
}
