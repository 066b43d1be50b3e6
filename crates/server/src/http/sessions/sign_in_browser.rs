use actix_web::HttpResponse;
use comanda_application::{Sessions, accounts::CheckPasswordError};
use comanda_domain::LimitedAction;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    counted,
    sign_in::{SignInRequest, origin_of},
};
use crate::http::{
    extract::{Authenticator, ClientHeader, DeviceTokens, Json, Limiter, Service, SigningIn},
    middleware::run_to_completion,
    problem::Failure,
    wire::UserResponse,
};

/// Signs in from a browser: the session is in cookies
///
/// The session that the browser has had until then ends.
#[utoipa::path(
    post, path = "/v1/web/sessions", operation_id = "sign_in_browser",
    request_body = SignInRequest,
    responses((status = 200, description = "The session", body = BrowserSessionResponse,
        headers(("Set-Cookie" = String, description = "`__Host-session` and `__Host-csrf`; and `__Host-device`, which \
            keeps this browser an allowance of wrong passwords of its own while strangers have locked the address"))))
)]
pub async fn sign_in_browser(
    sessions: Service<Sessions>,
    limiter: Limiter,
    authenticator: Service<Authenticator>,
    devices: Service<DeviceTokens>,
    client: ClientHeader,
    SigningIn { replaces, devices: shown }: SigningIn,
    Json(request): Json<SignInRequest>,
) -> Result<HttpResponse, Failure<CheckPasswordError>> {
    let (email, password) = request.validate()?;
    limiter.admit(LimitedAction::SignIn).await?;
    let origin = origin_of(client, limiter.client());
    let claimant = devices.claimant_of_browser(&shown, email);
    let by = claimant.clone();
    let signing_in = async move { sessions.sign_in_browser(&by, password, origin, replaces).await };
    let session = run_to_completion(signing_in).await?;
    let session = counted(session)?;
    let (token, csrf_token) = (session.session_token, authenticator.csrf.issue(session.session_id));
    Ok(HttpResponse::Ok()
        .cookie(authenticator.cookies.session(&token.token, token.expires_in))
        .cookie(authenticator.cookies.csrf(&csrf_token, token.expires_in))
        .cookie(authenticator.cookies.device(devices.kept(&shown, &claimant)))
        .json(BrowserSessionResponse { user: session.account.into(), csrf_token }))
}

/// Without tokens: those are in the cookies.
#[derive(Serialize, ToSchema)]
#[schema(as = BrowserSession)]
pub struct BrowserSessionResponse {
    user: UserResponse,
    /// To be sent as `X-CSRF-Token` with every request that changes something; also in the cookie.
    csrf_token: String,
}
