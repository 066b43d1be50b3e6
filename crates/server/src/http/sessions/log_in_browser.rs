use actix_web::{HttpRequest, HttpResponse};
use comanda_application::Sessions;
use comanda_domain::rate_limit::LimitedAction;

use super::checked;
use crate::http::{
    extract::{Authenticator, Json, RateLimiter, Service},
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
    sessions: Service<Sessions>,
    rate_limiter: Service<RateLimiter>,
    authenticator: Service<Authenticator>,
    http_request: HttpRequest,
    Json(request): Json<LogInRequest>,
) -> Result<HttpResponse, Problem> {
    let (email, password) = request.validate()?;
    rate_limiter.admit(&http_request, LimitedAction::LogIn).await?;
    let session = run_to_completion(async move { sessions.sign_in_browser(&email, password).await }).await?;
    let session = checked(session)?;
    let (token, csrf_token) = (session.session_token, authenticator.csrf.issue(session.session_id));
    Ok(HttpResponse::Ok()
        .cookie(authenticator.cookies.session(&token.token, token.expires_in))
        .cookie(authenticator.cookies.csrf(&csrf_token, token.expires_in))
        .json(BrowserSessionResponse { user: session.account.into(), csrf_token }))
}
