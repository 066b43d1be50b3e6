use actix_web::HttpResponse;
use comanda_application::Accounts;
use comanda_domain::{PersonName, ports::Unavailable};
use serde::Deserialize;
use utoipa::ToSchema;

use super::gone;
use crate::http::{
    extract::{Json, Service, SignedIn},
    problem::{Failure, Problem},
    validation::Violations,
    wire::{Patched, UserResponse},
};

/// Changes the caller's own account
///
/// What is left out stays as it is.
#[utoipa::path(
    patch, path = "/v1/me", operation_id = "update_me",
    request_body = PatchMeRequest,
    responses((status = 200, description = "The account", body = UserResponse))
)]
pub async fn update_me(
    accounts: Service<Accounts>,
    SignedIn(actor): SignedIn,
    Json(request): Json<PatchMeRequest>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let account = match request.validate()? {
        Some(name) => accounts.rename(actor.account_id, name).await?,
        None => accounts.find(actor.account_id).await?,
    };
    Ok(HttpResponse::Ok().json(UserResponse::from(account.ok_or_else(gone)?)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchMeRequest {
    #[serde(default)]
    #[schema(value_type = String, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", min_length = 1, max_length = 100,
        example = "Anna")]
    name: Patched<String>,
}

impl PatchMeRequest {
    fn validate(self) -> Result<Option<PersonName>, Problem> {
        let mut violations = Violations::default();
        let name = self.name.given("/name", &mut violations);
        let name = violations.check_optional("/name", name.as_deref().map(PersonName::new));
        violations.finish(Some(name))
    }
}
