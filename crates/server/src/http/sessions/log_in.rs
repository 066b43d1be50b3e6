use actix_web::{HttpRequest, HttpResponse};
use comanda_application::Sessions;
use comanda_domain::rate_limit::LimitedAction;

use super::checked;
use crate::http::{
    extract::{Json, RateLimiter, Service},
    middleware::run_to_completion,
    problem::rate_limit_headers,
    problem::{Problem, ProblemDocument},
    wire::{LogInRequest, SessionResponse},
};

/// Signs in
#[utoipa::path(
    post, path = "/v1/sessions", tag = "accounts", security(()),
    request_body = LogInRequest,
    responses(
        (status = 200, body = SessionResponse),
        (status = 401, description = "`invalid-credentials`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "`account-locked`, `rate-limited`", body = ProblemDocument, content_type = "application/problem+json", headers(("Retry-After" = u32))),
    )
)]
pub async fn log_in(
    sessions: Service<Sessions>,
    rate_limiter: Service<RateLimiter>,
    http_request: HttpRequest,
    Json(request): Json<LogInRequest>,
) -> Result<HttpResponse, Problem> {
    let (email, password) = request.validate()?;
    let allowance = rate_limiter.admit(&http_request, LimitedAction::LogIn).await?;
    let session = run_to_completion(async move { sessions.sign_in(&email, password).await }).await?;
    let mut response = HttpResponse::Ok();
    for header in rate_limit_headers(allowance) {
        response.insert_header(header);
    }
    Ok(response.json(SessionResponse::from(checked(session)?)))
}
