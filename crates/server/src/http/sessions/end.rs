use actix_web::HttpResponse;
use comanda_application::{Sessions, sessions::EndSessionError};
use comanda_domain::SessionId;

use crate::http::{
    extract::{Path, Service, SignedIn},
    middleware::run_to_completion,
    problem::{Failure, Problem, problems},
};

/// Ends one of the caller's sessions
///
/// Access tokens stop working at every server at once, and so do refresh tokens. Another account's session is 404.
#[utoipa::path(
    delete, path = "/v1/me/sessions/{id}", operation_id = "end_session",
    responses((status = 204, description = "The session has ended"))
)]
pub async fn end(
    sessions: Service<Sessions>,
    SignedIn(actor): SignedIn,
    Path(id): Path<SessionId>,
) -> Result<HttpResponse, Failure<EndSessionError>> {
    run_to_completion(async move { sessions.end(actor, id).await }).await??;
    Ok(HttpResponse::NoContent().finish())
}

impl From<EndSessionError> for Problem {
    fn from(error: EndSessionError) -> Self {
        match error {
            EndSessionError::NotFound => Self::not_found("session"),
            EndSessionError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    EndSessionError: [NotFound, Unavailable];
    NotFound,
    Unavailable(Unavailable::new("test")),
}
