use actix_web::{HttpResponse, http::StatusCode};
use comanda_application::Events;
use comanda_domain::ports::ResendError;

use crate::http::{
    extract::{Admin, Idempotent, JsonOrNothing, LetterNumber, Path, Service, replayable},
    problem::{Code, Failure, Problem, problems},
    wire::Nothing,
};

/// Has a dead letter delivered again
///
/// It is delivered like a new event, and is a dead letter again if that fails as often.
#[utoipa::path(
    post, path = "/v1/admin/dead-letters/{id}/resend", operation_id = "resend_dead_letter",
    request_body(content = Option<Nothing>, content_type = "application/json"),
    responses((status = 204, description = "The event will be delivered again"))
)]
pub async fn resend(
    events: Service<Events>,
    Admin(admin): Admin,
    Idempotent(JsonOrNothing(Nothing {}), key): Idempotent<JsonOrNothing<Nothing>>,
    Path(LetterNumber(id)): Path<LetterNumber>,
) -> Result<HttpResponse, Failure<ResendError>> {
    let resent = events.resend(admin, id, key).await?;
    Ok(replayable(StatusCode::NO_CONTENT, resent.replayed).finish())
}

impl From<ResendError> for Problem {
    fn from(error: ResendError) -> Self {
        match error {
            ResendError::NotFound => Self::not_found("dead letter"),
            ResendError::NotServed { subscriber } => {
                Self::new(Code::NotServed, format!("No server delivers to {subscriber}; nothing was resent."))
            }
            ResendError::Key(refusal) => refusal.into(),
            ResendError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    ResendError: [NotFound, NotServed, IdempotencyKeyReused, IdempotencyInProgress, Unavailable];
    NotFound,
    NotServed { subscriber: "kitchen".to_owned() },
    Key(comanda_domain::KeyRefusal::Reused) and (comanda_domain::KeyRefusal::InProgress),
    Unavailable(Unavailable::new("test")),
}
