use comanda_application::sessions::ClientSession;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::wire::{UserResponse, names};

#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionResponse {
    /// A JSON Web Token (RFC 7519) for `Authorization: Bearer`.
    access_token: String,
    #[schema(value_type = names::TokenType)]
    token_type: &'static str,
    /// In seconds.
    #[schema(example = 900)]
    expires_in: u32,
    /// Good for one exchange at `POST /v1/sessions/refresh`.
    refresh_token: String,
    /// To be sent as `X-Device-Token` with the next sign-in to this account, from this device. Good for 180 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<String>,
    user: UserResponse,
}

impl From<ClientSession> for SessionResponse {
    fn from(session: ClientSession) -> Self {
        Self {
            access_token: session.access_token.token,
            token_type: "Bearer",
            expires_in: session.access_token.expires_in,
            refresh_token: session.refresh_token.expose().to_owned(),
            device_token: None,
            user: session.account.into(),
        }
    }
}

impl SessionResponse {
    /// With the token of the device that was signed in from.
    pub fn known_as(self, device_token: String) -> Self {
        Self { device_token: Some(device_token), ..self }
    }
}
