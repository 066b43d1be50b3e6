use actix_web::HttpResponse;
use comanda_application::{Accounts, accounts::ResetPasswordError};
use comanda_domain::{ChosenPassword, LimitedAction, MailToken, Password};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::{
    extract::{Bystander, Json, Limiter, Service},
    middleware::run_to_completion,
    problem::{Failure, Operation, Problem, problems},
    validation::Violations,
};

/// Chooses another password with a token from a mail; all of the account's sessions end, and its lock is lifted
///
/// The token is the proof: nobody needs to be signed in. Whoever is signed in to another account is refused.
#[utoipa::path(
    put, path = "/v1/password-resets", operation_id = "reset_password",
    request_body = ResetPasswordRequest,
    responses((status = 204, description = "The password is changed"))
)]
pub async fn reset_password(
    accounts: Service<Accounts>,
    Bystander(bystander): Bystander,
    limiter: Limiter,
    Json(request): Json<ResetPasswordRequest>,
) -> Result<HttpResponse, Failure<ResetPasswordError>> {
    let (token, password) = request.validate()?;
    limiter.admit(LimitedAction::PresentMailToken).await?;
    run_to_completion(async move { accounts.reset_password(&token, bystander, password).await }).await??;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPasswordRequest {
    /// The token from the mail.
    #[schema(pattern = r"^[A-Za-z0-9_-]*$", min_length = 43, max_length = 43)]
    token: String,
    #[schema(format = Password, min_length = 12, max_length = 128)]
    new_password: String,
}

impl ResetPasswordRequest {
    fn validate(self) -> Result<(MailToken, ChosenPassword), Problem> {
        let mut violations = Violations::default();
        let token = violations.check("/token", MailToken::new(&self.token));
        let password = violations.check("/new_password", Password::choose(self.new_password));
        violations.finish(token.zip(password))
    }
}

impl From<ResetPasswordError> for Problem {
    fn from(error: ResetPasswordError) -> Self {
        match error {
            ResetPasswordError::Refused(why) => Violations::only("/token", &why),
            ResetPasswordError::New(violation) => Violations::only("/new_password", &violation),
            ResetPasswordError::Busy => Self::overloaded(Operation::PasswordHash),
            ResetPasswordError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    ResetPasswordError: [ValidationFailed, Unavailable];
    Refused(comanda_domain::MailTokenRefusal::Expired),
    New(comanda_domain::PasswordError::TooPersonal),
    Busy,
    Unavailable(Unavailable::new("test")),
}
