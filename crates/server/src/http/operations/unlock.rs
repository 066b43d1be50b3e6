use actix_web::HttpResponse;
use comanda_application::{Operations, operations::UnlockError};
use comanda_domain::{Email, Reason};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::{
    extract::{Admin, Json, Path, Service},
    problem::{Failure, Problem, problems},
    validation::Violations,
};

/// Lifts a lock
///
/// Its next wrong password counts as the first. The reason goes to the audit log.
#[utoipa::path(
    delete, path = "/v1/admin/lockouts/{email}", operation_id = "lift_lockout",
    request_body = UnlockRequest,
    responses((status = 204, description = "The lock is lifted"))
)]
pub async fn unlock(
    operations: Service<Operations>,
    Admin(admin): Admin,
    Path(email): Path<Email>,
    Json(request): Json<UnlockRequest>,
) -> Result<HttpResponse, Failure<UnlockError>> {
    operations.unlock(admin, &email, request.validate()?).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnlockRequest {
    #[schema(
        pattern = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$",
        min_length = 1,
        max_length = 300,
        example = "called us"
    )]
    reason: String,
}

impl UnlockRequest {
    fn validate(self) -> Result<Reason, Problem> {
        let mut violations = Violations::default();
        let reason = violations.check("/reason", Reason::new(&self.reason));
        violations.finish(reason)
    }
}

impl From<UnlockError> for Problem {
    fn from(error: UnlockError) -> Self {
        match error {
            UnlockError::NotLocked => Self::not_found("lock"),
            UnlockError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    UnlockError: [NotFound, Unavailable];
    NotLocked,
    Unavailable(Unavailable::new("test")),
}
