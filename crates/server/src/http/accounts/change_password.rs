use actix_web::HttpResponse;
use comanda_application::{
    Accounts,
    accounts::{ChangePasswordError, CheckPasswordError},
};
use comanda_domain::{ChosenPassword, LimitedAction, Password};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::{
    extract::{Json, Limiter, Service, SignedIn},
    middleware::run_to_completion,
    problem::{Code, Failure, Problem, Problems},
    sessions::counted,
    validation::Violations,
};

/// Changes the caller's password; the account's other sessions end
///
/// Wrong passwords count as they do when somebody signs in, and lock the address in the end.
#[utoipa::path(
    put, path = "/v1/me/password", operation_id = "change_password",
    request_body = ChangePasswordRequest,
    responses((status = 204, description = "The password is changed"))
)]
pub async fn change_password(
    accounts: Service<Accounts>,
    limiter: Limiter,
    SignedIn(actor): SignedIn,
    Json(request): Json<ChangePasswordRequest>,
) -> Result<HttpResponse, Failure<ChangePasswordError>> {
    let (current, new) = request.validate()?;
    limiter.admit(LimitedAction::ChangePassword).await?;
    match run_to_completion(async move { accounts.change_password(actor, current, new).await }).await? {
        Ok(()) => counted(Ok::<_, CheckPasswordError>(())).map_err(ChangePasswordError::from)?,
        Err(ChangePasswordError::Current(error)) => counted(Err(error)).map_err(ChangePasswordError::from)?,
        Err(unsuitable) => return Err(unsuitable.into()),
    }
    Ok(HttpResponse::NoContent().finish())
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
    fn validate(self) -> Result<(Password, ChosenPassword), Problem> {
        let mut violations = Violations::default();
        let current = violations.check("/current_password", Password::attempt(self.current_password));
        let new = violations.check("/new_password", Password::choose(self.new_password));
        violations.finish(current.zip(new))
    }
}

impl From<ChangePasswordError> for Problem {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::Current(error) => error.into(),
            ChangePasswordError::New(violation) => Violations::only("/new_password", &violation),
        }
    }
}

impl Problems for ChangePasswordError {
    const CODES: &'static [Code] =
        &[Code::InvalidCredentials, Code::AccountLocked, Code::RateLimited, Code::Unavailable, Code::ValidationFailed];
}

#[cfg(test)]
mod tests {
    use comanda_domain::{PasswordError, ports::Unavailable};

    use super::*;
    use crate::http::{problem::documents, sessions::lock};

    #[test]
    fn every_error_becomes_a_problem_that_is_stated() {
        let errors = [
            ChangePasswordError::Current(CheckPasswordError::InvalidCredentials),
            ChangePasswordError::Current(CheckPasswordError::Locked {
                lock: lock(),
                wait: chrono::TimeDelta::seconds(60),
            }),
            ChangePasswordError::Current(CheckPasswordError::TooManyAtOnce),
            ChangePasswordError::Current(CheckPasswordError::Unavailable(Unavailable::new("test"))),
            ChangePasswordError::New(PasswordError::TooPersonal),
        ];
        let documents = documents(errors, |error| match error {
            ChangePasswordError::Current(_) | ChangePasswordError::New(_) => {}
        });
        insta::assert_snapshot!("ChangePasswordError", documents);
    }
}
