use actix_web::HttpResponse;
use comanda_application::{Accounts, accounts::CheckPasswordError};
use comanda_domain::Password;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::{
    extract::{Json, Service, SignedIn},
    middleware::run_to_completion,
    problem::{Failure, Problem},
    sessions::counted,
    validation::Violations,
};

/// Changes the caller's password; the account's other sessions end
#[utoipa::path(
    put, path = "/v1/me/password", operation_id = "change_password",
    request_body = ChangePasswordRequest,
    responses((status = 204, description = "The password is changed"))
)]
pub async fn change_password(
    accounts: Service<Accounts>,
    SignedIn(actor): SignedIn,
    Json(request): Json<ChangePasswordRequest>,
) -> Result<HttpResponse, Failure<CheckPasswordError>> {
    let (current, new) = request.validate()?;
    counted(run_to_completion(async move { accounts.change_password(actor, current, new).await }).await?)?;
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
    fn validate(self) -> Result<(Password, Password), Problem> {
        let mut violations = Violations::default();
        let current = violations.check("/current_password", Password::attempt(self.current_password));
        let new = violations.check("/new_password", Password::choose(self.new_password));
        violations.finish(current.zip(new))
    }
}
