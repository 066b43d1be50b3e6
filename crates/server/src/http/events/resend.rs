use actix_web::HttpResponse;
use comanda_application::Events;
use comanda_domain::ports::ResendError;

use crate::http::{
    extract::{Admin, LetterNumber, Path, Service},
    problem::{Failure, Problem, problems},
};

/// Has a dead letter delivered again
#[utoipa::path(
    post, path = "/v1/admin/dead-letters/{id}/resend", operation_id = "resend_dead_letter",
    responses((status = 204, description = "The event will be delivered again"))
)]
pub async fn resend(
    events: Service<Events>,
    Admin(admin): Admin,
    Path(LetterNumber(id)): Path<LetterNumber>,
) -> Result<HttpResponse, Failure<ResendError>> {
    events.resend(admin, id).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<ResendError> for Problem {
    fn from(error: ResendError) -> Self {
        match error {
            ResendError::NotFound => Self::not_found("dead letter"),
            ResendError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    ResendError: [NotFound, Unavailable];
    NotFound,
    Unavailable(Unavailable::new("test")),
}
