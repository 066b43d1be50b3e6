use actix_web::HttpResponse;
use comanda_application::Accounts;
use comanda_domain::{LimitedAction, MailToken, ports::MailTokenError};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::{
    extract::{Bystander, Json, Limiter, Service},
    middleware::run_to_completion,
    problem::{Failure, Problem, problems},
    validation::Violations,
};

/// Verifies the address that a token was mailed to
///
/// The token is the proof: nobody needs to be signed in. Whoever is signed in to another account is refused.
#[utoipa::path(
    post, path = "/v1/email-verifications", operation_id = "verify_email",
    request_body = VerifyEmailRequest,
    responses((status = 204, description = "The address is verified"))
)]
pub async fn verify_email(
    accounts: Service<Accounts>,
    Bystander(bystander): Bystander,
    limiter: Limiter,
    Json(request): Json<VerifyEmailRequest>,
) -> Result<HttpResponse, Failure<MailTokenError>> {
    let token = request.validate()?;
    limiter.admit(LimitedAction::PresentMailToken).await?;
    run_to_completion(async move { accounts.verify_email(&token, bystander).await }).await??;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyEmailRequest {
    /// The token from the mail.
    #[schema(pattern = r"^[A-Za-z0-9_-]*$", min_length = 43, max_length = 43)]
    token: String,
}

impl VerifyEmailRequest {
    fn validate(self) -> Result<MailToken, Problem> {
        let mut violations = Violations::default();
        let token = violations.check("/token", MailToken::new(&self.token));
        violations.finish(token)
    }
}

impl From<MailTokenError> for Problem {
    fn from(error: MailTokenError) -> Self {
        match error {
            MailTokenError::Refused(why) => Violations::only("/token", &why),
            MailTokenError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    MailTokenError: [ValidationFailed, Unavailable];
    Refused(comanda_domain::MailTokenRefusal::Spent),
    Unavailable(Unavailable::new("test")),
}
