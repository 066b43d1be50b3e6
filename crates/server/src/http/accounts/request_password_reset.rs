use actix_web::HttpResponse;
use comanda_application::Accounts;
use comanda_domain::{Email, LimitedAction, ports::Unavailable};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::{
    extract::{Json, Limiter, Service},
    problem::{Failure, Problem},
    validation::Violations,
};

/// Sends a mail with a token that lets its reader choose another password
///
/// The response is the same whether the address has an account or not. The token is valid once, for an hour. An address
/// that is not verified gets a token to verify it instead. A client address that has asked too often gets the same
/// response, with no more attempts left, and no mail is sent.
#[utoipa::path(
    post, path = "/v1/password-resets", operation_id = "request_password_reset",
    request_body = RequestPasswordResetRequest,
    responses((status = 202, description = "If the address has an account, it gets the mail"))
)]
pub async fn request_password_reset(
    accounts: Service<Accounts>,
    limiter: Limiter,
    Json(request): Json<RequestPasswordResetRequest>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let email = request.validate()?;
    if limiter.admits(LimitedAction::RequestMail).await? {
        accounts.request_password_reset(&email).await?;
    } else {
        metrics::counter!("comanda_password_reset_requests_ignored_total").increment(1);
    }
    Ok(HttpResponse::Accepted().finish())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestPasswordResetRequest {
    #[schema(format = Email, max_length = 254, example = "ana@example.org")]
    email: String,
}

impl RequestPasswordResetRequest {
    fn validate(self) -> Result<Email, Problem> {
        let mut violations = Violations::default();
        let email = violations.check("/email", Email::attempt(&self.email));
        violations.finish(email)
    }
}
