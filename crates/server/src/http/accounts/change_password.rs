use actix_web::HttpResponse;
use comanda_application::Accounts;

use crate::http::{
    extract::{Json, Service, SignedIn},
    middleware::run_to_completion,
    problem::{Problem, ProblemDocument},
    sessions::checked,
    wire::ChangePasswordRequest,
};

/// Changes the caller's password; the account's other sessions end
#[utoipa::path(
    put, path = "/v1/me/password", tag = "accounts",
    request_body = ChangePasswordRequest,
    responses(
        (status = 204),
        (status = 401, description = "`invalid-credentials`: the current password is wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`validation-failed`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "`account-locked`", body = ProblemDocument, content_type = "application/problem+json", headers(("Retry-After" = u32))),
    )
)]
pub async fn change_password(
    accounts: Service<Accounts>,
    SignedIn(actor): SignedIn,
    Json(request): Json<ChangePasswordRequest>,
) -> Result<HttpResponse, Problem> {
    let (current, new) = request.validate()?;
    checked(run_to_completion(async move { accounts.change_password(actor, current, new).await }).await?)?;
    Ok(HttpResponse::NoContent().finish())
}
