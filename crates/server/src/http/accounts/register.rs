use actix_web::HttpResponse;
use comanda_application::{
    Accounts,
    accounts::{OpenAccountError, Registration},
};
use comanda_domain::{Email, LimitedAction, Password, PersonName};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::{
    extract::{Json, Limiter, Service},
    problem::{Code, Failure, Operation, Problem, problems},
    validation::Violations,
    wire::UserResponse,
};

/// Opens a customer's account
///
/// Its address is not verified yet. Passwords have 12 to 128 characters, and are not common ones.
#[utoipa::path(
    post, path = "/v1/users", operation_id = "register_user",
    request_body = RegisterRequest,
    responses((status = 201, description = "The account", body = UserResponse))
)]
pub async fn register(
    accounts: Service<Accounts>,
    limiter: Limiter,
    Json(request): Json<RegisterRequest>,
) -> Result<HttpResponse, Failure<OpenAccountError>> {
    let registration = request.validate()?;
    limiter.admit(LimitedAction::Register).await?;
    let account = accounts.register(registration).await?;
    Ok(HttpResponse::Created().json(UserResponse::from(account)))
}

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
    fn validate(self) -> Result<Registration, Problem> {
        let mut violations = Violations::default();
        let email = violations.check("/email", Email::new(&self.email));
        let chosen = violations.check("/password", Password::choose(self.password));
        let name = violations.check("/name", PersonName::new(&self.name));
        let registration = email.zip(name).zip(chosen).and_then(|((email, name), chosen)| {
            let password = violations.check("/password", chosen.for_account(&email, &name))?;
            Some(Registration { email, name, password })
        });
        violations.finish(registration)
    }
}

impl From<OpenAccountError> for Problem {
    fn from(error: OpenAccountError) -> Self {
        match error {
            OpenAccountError::EmailTaken => Self::new(Code::EmailTaken, "The e-mail address has an account already."),
            OpenAccountError::Busy => Self::overloaded(Operation::PasswordHash),
            OpenAccountError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    OpenAccountError: [EmailTaken, Unavailable];
    EmailTaken,
    Busy,
    Unavailable(Unavailable::new("test")),
}
