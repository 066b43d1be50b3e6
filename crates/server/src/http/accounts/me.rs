use actix_web::HttpResponse;
use comanda_application::Accounts;

use crate::http::{
    extract::{Json, Service, SignedIn},
    problem::{Code, Problem, ProblemDocument},
    wire::{PatchMeRequest, UserResponse},
};

/// Shows the caller's own account
#[utoipa::path(
    get, path = "/v1/me", tag = "accounts",
    responses(
        (status = 200, body = UserResponse),
        (status = 401, description = "`unauthenticated`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn me(accounts: Service<Accounts>, SignedIn(actor): SignedIn) -> Result<HttpResponse, Problem> {
    let account = accounts
        .find(actor.account_id)
        .await
        .map_err(|cause| Problem::unavailable("auth.lookup", &cause))?
        .ok_or_else(|| Problem::new(Code::Unauthenticated, "The account does not exist any more."))?;
    Ok(HttpResponse::Ok().json(UserResponse::from(account)))
}

/// Changes the caller's own account
#[utoipa::path(
    patch, path = "/v1/me", tag = "accounts",
    request_body = PatchMeRequest,
    responses(
        (status = 200, body = UserResponse),
        (status = 422, description = "`validation-failed`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn update_me(
    accounts: Service<Accounts>,
    SignedIn(actor): SignedIn,
    Json(request): Json<PatchMeRequest>,
) -> Result<HttpResponse, Problem> {
    let account = match request.validate()? {
        Some(name) => accounts.rename(actor.account_id, name).await,
        None => accounts.find(actor.account_id).await,
    };
    let account = account
        .map_err(|cause| Problem::unavailable("user.update", &cause))?
        .ok_or_else(|| Problem::new(Code::Unauthenticated, "The account does not exist any more."))?;
    Ok(HttpResponse::Ok().json(UserResponse::from(account)))
}
