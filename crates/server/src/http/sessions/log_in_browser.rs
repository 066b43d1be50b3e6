use actix_web::{HttpRequest, HttpResponse, web::Data};
use comanda_application::accounts::LogIn;
use comanda_domain::rate_limit::LimitedAction;

use super::checked;
use crate::http::{
    extract::RateLimiter,
    extract::{Authenticator, Json},
    middleware::run_to_completion,
    problem::{Problem, ProblemDocument},
    wire::{BrowserSessionResponse, LogInRequest},
};

/// Signs in from a browser: the session is in cookies
#[utoipa::path(
    post, path = "/v1/web/sessions", tag = "accounts", security(()),
    request_body = LogInRequest,
    responses(
        (status = 200, body = BrowserSessionResponse, headers(("Set-Cookie" = String, description = "`__Host-session` and `__Host-csrf`"))),
        (status = 401, description = "`invalid-credentials`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "`account-locked`, `rate-limited`", body = ProblemDocument, content_type = "application/problem+json", headers(("Retry-After" = u32))),
    )
)]
pub async fn log_in_browser(
    use_case: Data<LogIn>,
    rate_limiter: Data<RateLimiter>,
    authenticator: Data<Authenticator>,
    http_request: HttpRequest,
    Json(request): Json<LogInRequest>,
) -> Result<HttpResponse, Problem> {
    let (email, password) = request.validate()?;
    rate_limiter.admit(&http_request, LimitedAction::LogIn).await?;
    let logged_in = run_to_completion(async move { use_case.as_browser(&email, password).await }).await?;
    let logged_in = checked(logged_in)?;
    let (token, csrf_token) = (logged_in.session_token, authenticator.csrf.issue(logged_in.session_id));
    Ok(HttpResponse::Ok()
        .cookie(authenticator.cookies.session(&token.token, token.expires_in))
        .cookie(authenticator.cookies.csrf(&csrf_token, token.expires_in))
        .json(BrowserSessionResponse { user: logged_in.account.into(), csrf_token }))
}
