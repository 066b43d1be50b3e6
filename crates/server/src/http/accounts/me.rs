use actix_web::{HttpResponse, web::Data};
use comanda_application::accounts::ReadProfile;

use crate::http::{
    extract::SignedIn,
    problem::{Code, Problem, ProblemDocument},
    wire::UserAnswer,
};

/// Shows the caller's own account
#[utoipa::path(
    get, path = "/v1/me", tag = "accounts",
    responses(
        (status = 200, body = UserAnswer),
        (status = 401, description = "`unauthenticated`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn me(use_case: Data<ReadProfile>, SignedIn(actor): SignedIn) -> Result<HttpResponse, Problem> {
    let account = use_case
        .execute(actor.account_id)
        .await
        .map_err(|cause| Problem::unavailable("auth.lookup", &cause))?
        .ok_or_else(|| Problem::new(Code::Unauthenticated, "The account does not exist any more."))?;
    Ok(HttpResponse::Ok().json(UserAnswer::from(account)))
}
