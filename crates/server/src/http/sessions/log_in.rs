use actix_web::{HttpRequest, HttpResponse, web::Data};
use comanda_application::accounts::LogIn;
use comanda_domain::rate_limit::LimitedAction;

use super::checked;
use crate::http::{
    extract::Json,
    extract::RateLimiter,
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
    use_case: Data<LogIn>,
    rate_limiter: Data<RateLimiter>,
    http_request: HttpRequest,
    Json(request): Json<LogInRequest>,
) -> Result<HttpResponse, Problem> {
    let (email, password) = request.validate()?;
    let allowance = rate_limiter.admit(&http_request, LimitedAction::LogIn).await?;
    let logged_in = run_to_completion(async move { use_case.as_client(&email, password).await }).await?;
    let mut response = HttpResponse::Ok();
    for header in rate_limit_headers(allowance) {
        response.insert_header(header);
    }
    Ok(response.json(SessionResponse::from(checked(logged_in)?)))
}
