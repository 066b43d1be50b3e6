use actix_web::HttpResponse;
use comanda_application::Sessions;
use comanda_domain::{AccountId, Reason, ports::CloseSessionsError};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::{
    extract::{Admin, Json, Path, Service},
    middleware::run_to_completion,
    problem::{Code, Failure, Problem, problems},
    validation::Violations,
};

/// Ends all sessions of an account, whose owner can sign in again
///
/// Access tokens stop working at every server at once, and so do refresh tokens. The reason goes to the audit log.
#[utoipa::path(
    delete, path = "/v1/admin/users/{id}/sessions", operation_id = "end_user_sessions",
    request_body = EndSessionsRequest,
    responses((status = 204, description = "The account's sessions have ended"))
)]
pub async fn end_all(
    sessions: Service<Sessions>,
    Admin(admin): Admin,
    Path(id): Path<AccountId>,
    Json(request): Json<EndSessionsRequest>,
) -> Result<HttpResponse, Failure<CloseSessionsError>> {
    let reason = request.validate()?;
    run_to_completion(async move { sessions.end_all(admin, id, reason).await }).await??;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndSessionsRequest {
    /// For the audit log.
    #[schema(
        pattern = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$",
        min_length = 1,
        max_length = 300,
        example = "lost their phone"
    )]
    reason: String,
}

impl EndSessionsRequest {
    fn validate(self) -> Result<Reason, Problem> {
        let mut violations = Violations::default();
        let reason = violations.check("/reason", Reason::new(&self.reason));
        violations.finish(reason)
    }
}

impl From<CloseSessionsError> for Problem {
    fn from(error: CloseSessionsError) -> Self {
        match error {
            CloseSessionsError::NotFound => Self::not_found("account"),
            CloseSessionsError::NotAdmin => Self::new(Code::Forbidden, "Only admins may do this."),
            CloseSessionsError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    CloseSessionsError: [NotFound, Forbidden, Unavailable];
    NotFound,
    NotAdmin,
    Unavailable(Unavailable::new("test")),
}
