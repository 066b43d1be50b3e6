use comanda_application::{accounts::Registration, sessions::ClientSession};
use comanda_domain::{account::Account, email::Email, password::Password, session::RefreshToken, text::PersonName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::WireTime;
use crate::http::{problem::Problem, validation::Violations};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    #[schema(format = Email, max_length = 254, example = "ana@example.org")]
    email: String,
    #[schema(format = Password, min_length = 12, max_length = 128)]
    password: String,
    #[schema(pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", min_length = 1, max_length = 100, example = "Ana")]
    name: String,
}

impl RegisterRequest {
    pub fn validate(self) -> Result<Registration, Problem> {
        let mut violations = Violations::default();
        let email = violations.check("/email", Email::new(&self.email));
        let password = violations.check("/password", Password::choose(self.password));
        let name = violations.check("/name", PersonName::new(&self.name));
        let registration = (|| Some(Registration { email: email?, password: password?, name: name? }))();
        violations.finish(registration)
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogInRequest {
    #[schema(format = Email, max_length = 254, example = "ana@example.org")]
    email: String,
    #[schema(format = Password, max_length = 128)]
    password: String,
}

impl LogInRequest {
    pub fn validate(self) -> Result<(Email, Password), Problem> {
        let mut violations = Violations::default();
        let email = violations.check("/email", Email::new(&self.email));
        let password = violations.check("/password", Password::attempt(self.password));
        violations.finish(email.zip(password))
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserResponse {
    id: Uuid,
    #[schema(format = Email)]
    email: String,
    name: String,
    #[schema(example = "customer", pattern = "^(customer|staff|admin)$")]
    role: &'static str,
    created_at: WireTime,
}

impl From<Account> for UserResponse {
    fn from(account: Account) -> Self {
        Self {
            id: account.id.as_uuid(),
            email: account.email.as_str().to_owned(),
            name: account.name.as_str().to_owned(),
            role: account.role.as_str(),
            created_at: WireTime(account.created_at),
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionResponse {
    /// A JSON Web Token (RFC 7519) for `Authorization: Bearer`.
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// In seconds.
    #[schema(example = 900)]
    expires_in: u32,
    /// Good for one exchange at `POST /v1/sessions/refresh`.
    refresh_token: String,
    user: UserResponse,
}

impl From<ClientSession> for SessionResponse {
    fn from(session: ClientSession) -> Self {
        Self {
            access_token: session.access_token.token,
            token_type: "Bearer",
            expires_in: session.access_token.expires_in,
            refresh_token: session.refresh_token.expose().to_owned(),
            user: session.account.into(),
        }
    }
}

/// No token in it: those are in the cookies.
#[derive(Serialize, ToSchema)]
#[schema(as = BrowserSession)]
pub struct BrowserSessionResponse {
    pub user: UserResponse,
    /// To be sent as `X-CSRF-Token` with every request that changes something; also in the cookie.
    pub csrf_token: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    refresh_token: String,
}

impl RefreshRequest {
    pub fn token(self) -> RefreshToken {
        RefreshToken::new(self.refresh_token)
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchMeRequest {
    #[schema(pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", min_length = 1, max_length = 100, example = "Anna")]
    name: Option<String>,
}

impl PatchMeRequest {
    pub fn validate(self) -> Result<Option<PersonName>, Problem> {
        let mut violations = Violations::default();
        let name = violations.check_optional("/name", self.name.as_deref().map(PersonName::new));
        violations.finish(Some(name))
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePasswordRequest {
    #[schema(format = Password, max_length = 128)]
    current_password: String,
    #[schema(format = Password, min_length = 12, max_length = 128)]
    new_password: String,
}

impl ChangePasswordRequest {
    pub fn validate(self) -> Result<(Password, Password), Problem> {
        let mut violations = Violations::default();
        let current = violations.check("/current_password", Password::attempt(self.current_password));
        let new = violations.check("/new_password", Password::choose(self.new_password));
        violations.finish(current.zip(new))
    }
}
