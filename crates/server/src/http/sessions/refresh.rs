use actix_web::HttpResponse;
use comanda_application::{Sessions, sessions::RefreshSessionError};
use comanda_domain::{LimitedAction, RefreshToken};
use serde::Deserialize;
use utoipa::ToSchema;

use super::SessionResponse;
use crate::http::{
    extract::{Json, Limiter, Service},
    middleware::run_to_completion,
    problem::{Code, Failure, Problem, problems},
};

/// Continues a session
///
/// The refresh token is good for one exchange. One that is used again closes its session.
#[utoipa::path(
    post, path = "/v1/sessions/refresh", operation_id = "refresh_session",
    request_body = RefreshRequest,
    responses((status = 200, description = "The session, with its next tokens", body = SessionResponse))
)]
pub async fn refresh(
    sessions: Service<Sessions>,
    limiter: Limiter,
    Json(request): Json<RefreshRequest>,
) -> Result<HttpResponse, Failure<RefreshSessionError>> {
    limiter.admit(LimitedAction::Refresh).await?;
    let token = request.token();
    // A token that was used before closes its session: every server must learn of it, even if the client hangs up. The
    // deadline goes along: a token that is exchanged after its client was refused would be taken for stolen.
    let refreshed = comanda_deadline::carried(async move { sessions.refresh(&token).await });
    let session = run_to_completion(refreshed).await??;
    Ok(HttpResponse::Ok().json(SessionResponse::from(session)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    refresh_token: String,
}

impl RefreshRequest {
    fn token(self) -> RefreshToken {
        RefreshToken::new(self.refresh_token)
    }
}

impl From<RefreshSessionError> for Problem {
    fn from(error: RefreshSessionError) -> Self {
        match error {
            RefreshSessionError::Unknown => Self::new(Code::Unauthenticated, "This is no refresh token."),
            RefreshSessionError::SessionClosed => {
                Self::new(Code::SessionRevoked, "The session has ended, or the refresh token was used before.")
            }
            RefreshSessionError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    RefreshSessionError: [Unauthenticated, SessionRevoked, Unavailable];
    Unknown,
    SessionClosed,
    Unavailable(Unavailable::new("test")),
}
