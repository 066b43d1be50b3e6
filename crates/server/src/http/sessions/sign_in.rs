use actix_web::HttpResponse;
use comanda_application::{Sessions, accounts::CheckPasswordError};
use comanda_domain::{AddressNetwork, ClientNetwork, Email, LimitedAction, Password, SessionOrigin};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{SessionResponse, counted};
use crate::http::{
    extract::{ClientHeader, DeviceHeader, DeviceTokens, Json, Limiter, Service},
    middleware::run_to_completion,
    problem::{Failure, Problem},
    validation::Violations,
};

/// Signs in
///
/// For programs: the tokens are in the response. Too many wrong passwords lock the address for a while, from whichever
/// address they come.
#[utoipa::path(
    post, path = "/v1/sessions", operation_id = "sign_in",
    request_body = SignInRequest,
    responses((status = 200, description = "The session, with its tokens", body = SessionResponse))
)]
pub async fn sign_in(
    sessions: Service<Sessions>,
    limiter: Limiter,
    client: ClientHeader,
    devices: Service<DeviceTokens>,
    device: DeviceHeader,
    Json(request): Json<SignInRequest>,
) -> Result<HttpResponse, Failure<CheckPasswordError>> {
    let (email, password) = request.validate()?;
    limiter.admit(LimitedAction::SignIn).await?;
    let origin = origin_of(client, limiter.client());
    let claimant = devices.claimant_of_client(&device, email);
    let by = claimant.clone();
    let session = run_to_completion(async move { sessions.sign_in(&by, password, origin).await }).await?;
    let session = SessionResponse::from(counted(session)?);
    Ok(HttpResponse::Ok().json(session.known_as(devices.issue(&claimant))))
}

/// Where a session is opened.
pub(super) fn origin_of(client: ClientHeader, network: ClientNetwork) -> SessionOrigin {
    SessionOrigin { client: client.0, network: Some(AddressNetwork::of(network.address())) }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    #[schema(format = Email, max_length = 254, example = "ana@example.org")]
    email: String,
    #[schema(format = Password, max_length = 128)]
    password: String,
}

impl SignInRequest {
    pub(super) fn validate(self) -> Result<(Email, Password), Problem> {
        let mut violations = Violations::default();
        let email = violations.check("/email", Email::attempt(&self.email));
        let password = violations.check("/password", Password::attempt(self.password));
        violations.finish(email.zip(password))
    }
}
