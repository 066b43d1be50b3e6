use actix_web::HttpResponse;
use comanda_application::Accounts;
use comanda_domain::ports::Unavailable;

use super::gone;
use crate::http::{
    extract::{Service, SignedIn},
    problem::Failure,
    wire::UserResponse,
};

/// Shows the caller's own account
///
/// With its role, and whether its address is verified.
#[utoipa::path(
    get, path = "/v1/me", operation_id = "get_me",
    responses((status = 200, description = "The account", body = UserResponse))
)]
pub async fn me(accounts: Service<Accounts>, SignedIn(actor): SignedIn) -> Result<HttpResponse, Failure<Unavailable>> {
    let account = accounts.find(actor.account_id).await?.ok_or_else(gone)?;
    Ok(HttpResponse::Ok().json(UserResponse::from(account)))
}
