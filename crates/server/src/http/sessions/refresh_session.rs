use actix_web::{HttpRequest, HttpResponse};
use comanda_application::{Sessions, sessions::RefreshSessionError};
use comanda_domain::rate_limit::LimitedAction;

use crate::http::{
    extract::{Json, RateLimiter, Service},
    problem::{Code, Problem, ProblemDocument},
    wire::{RefreshRequest, SessionResponse},
};

/// Continues a session
///
/// The refresh token is good for one exchange. One that is used again closes its session.
#[utoipa::path(
    post, path = "/v1/sessions/refresh", tag = "accounts", security(()),
    request_body = RefreshRequest,
    responses(
        (status = 200, body = SessionResponse),
        (status = 401, description = "`session-revoked`, `unauthenticated`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "`rate-limited`", body = ProblemDocument, content_type = "application/problem+json", headers(("Retry-After" = u32))),
    )
)]
pub async fn refresh_session(
    sessions: Service<Sessions>,
    rate_limiter: Service<RateLimiter>,
    http_request: HttpRequest,
    Json(request): Json<RefreshRequest>,
) -> Result<HttpResponse, Problem> {
    rate_limiter.admit(&http_request, LimitedAction::Refresh).await?;
    let session = sessions.refresh(&request.token()).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(SessionResponse::from(session)))
}

fn problem(error: RefreshSessionError) -> Problem {
    match error {
        RefreshSessionError::Unknown => Problem::new(Code::Unauthenticated, "This is no refresh token."),
        RefreshSessionError::SessionClosed => {
            Problem::new(Code::SessionRevoked, "The session has ended, or the refresh token was used before.")
        }
        RefreshSessionError::Unavailable(cause) => Problem::unavailable("auth.lookup", &cause),
    }
}
