use actix_web::HttpResponse;
use comanda_application::{Operations, operations::UnlockError};
use comanda_domain::{
    email::Email,
    ports::{LockedAddressPosition, LockoutsQuery},
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::http::{
    extract::{Admin, CursorSigner, EmailPath, Json, Query, Service},
    problem::{Code, Problem, ProblemDocument},
    validation::Violations,
    wire::{LockoutPage, LockoutResponse, PageQuery, QueryInteger, UnlockRequest},
};

const LIST: &str = "lockouts";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only addresses that are locked for this reason.
    #[param(pattern = "^(too_many_failures|failed_again_after_lock)$", example = "failed_again_after_lock")]
    reason: Option<String>,
    // Described by `PageQuery`; a struct within a struct cannot be read from a query string and refuse unknown parameters.
    #[param(ignore)]
    limit: Option<QueryInteger>,
    #[param(ignore)]
    cursor: Option<String>,
}

/// Lists the addresses that are locked now, those that open first at the front
#[utoipa::path(
    get, path = "/v1/admin/lockouts", tag = "admin", params(Filter, PageQuery),
    responses((status = 200, body = LockoutPage), (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"))
)]
pub async fn lockouts(
    operations: Service<Operations>,
    cursors: Service<CursorSigner>,
    Admin(admin): Admin,
    Query(filter): Query<Filter>,
) -> Result<HttpResponse, Problem> {
    let page = PageQuery { limit: filter.limit, cursor: filter.cursor };
    let mut violations = Violations::default();
    let limit = page.limit(&mut violations);
    let reason = filter.reason.and_then(|reason| violations.read("/reason", &reason, "unknown-reason"));
    let limit = violations.finish(limit)?;
    let after = page.after::<(i64, String)>(LIST, &cursors)?.map(position).transpose()?;
    let query = LockoutsQuery { reason, after, limit };
    let found =
        operations.list_lockouts(admin, query).await.map_err(|cause| Problem::unavailable("lockout.read", &cause))?;
    let next_cursor = found
        .entries
        .last()
        .filter(|_| found.has_more)
        .map(|last| cursors.sign(LIST, &(last.lock.unlock_at.timestamp_millis(), last.email.as_str())));
    let data = found.entries.into_iter().map(LockoutResponse::from).collect();
    Ok(HttpResponse::Ok().json(LockoutPage { data, next_cursor }))
}

fn position((unlock_at, email): (i64, String)) -> Result<LockedAddressPosition, Problem> {
    let position = chrono::DateTime::from_timestamp_millis(unlock_at)
        .zip(Email::new(&email).ok())
        .map(|(unlock_at, email)| LockedAddressPosition { unlock_at, email });
    position.ok_or_else(|| Problem::new(Code::InvalidCursor, "The cursor does not come from this list."))
}

/// Shows an address's lock
#[utoipa::path(
    get, path = "/v1/admin/lockouts/{email}", tag = "admin", params(("email" = String, Path)),
    responses(
        (status = 200, body = LockoutResponse),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`: the address is not locked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn lockout(
    operations: Service<Operations>,
    Admin(admin): Admin,
    EmailPath(email): EmailPath,
) -> Result<HttpResponse, Problem> {
    let found = operations
        .find_lockout(admin, &email)
        .await
        .map_err(|cause| Problem::unavailable("lockout.read", &cause))?
        .ok_or_else(|| Problem::not_found("lock"))?;
    Ok(HttpResponse::Ok().json(LockoutResponse::from(found)))
}

/// Lifts a lock
#[utoipa::path(
    delete, path = "/v1/admin/lockouts/{email}", tag = "admin", params(("email" = String, Path)),
    request_body = UnlockRequest,
    responses(
        (status = 204),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`: the address is not locked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn unlock(
    operations: Service<Operations>,
    Admin(admin): Admin,
    EmailPath(email): EmailPath,
    Json(request): Json<UnlockRequest>,
) -> Result<HttpResponse, Problem> {
    operations.unlock(admin, &email, request.validate()?).await.map_err(|error| match error {
        UnlockError::NotLocked => Problem::not_found("lock"),
        UnlockError::Unavailable(cause) => Problem::unavailable("lockout.update", &cause),
    })?;
    Ok(HttpResponse::NoContent().finish())
}
