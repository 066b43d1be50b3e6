use actix_web::{HttpRequest, HttpResponse};
use comanda_application::{Accounts, accounts::OpenAccountError};
use comanda_domain::rate_limit::LimitedAction;

use crate::http::{
    extract::{Json, RateLimiter, Service},
    problem::{Code, Problem, ProblemDocument},
    wire::{RegisterRequest, UserResponse},
};

/// Opens a customer's account
#[utoipa::path(
    post, path = "/v1/users", tag = "accounts", security(()),
    request_body = RegisterRequest,
    responses(
        (status = 201, body = UserResponse),
        (status = 409, description = "`email-taken`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`validation-failed`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn register(
    accounts: Service<Accounts>,
    rate_limiter: Service<RateLimiter>,
    http_request: HttpRequest,
    Json(request): Json<RegisterRequest>,
) -> Result<HttpResponse, Problem> {
    let registration = request.validate()?;
    rate_limiter.admit(&http_request, LimitedAction::Register).await?;
    let account = accounts.register(registration).await.map_err(problem)?;
    Ok(HttpResponse::Created().json(UserResponse::from(account)))
}

fn problem(error: OpenAccountError) -> Problem {
    match error {
        OpenAccountError::EmailTaken => Problem::new(Code::EmailTaken, "The e-mail address has an account already."),
        OpenAccountError::Busy => Problem::overloaded("password.hash"),
        OpenAccountError::Unavailable(cause) => Problem::unavailable("user.create", &cause),
    }
}
