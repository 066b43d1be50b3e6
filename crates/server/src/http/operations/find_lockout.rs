use actix_web::HttpResponse;
use comanda_application::Operations;
use comanda_domain::{Email, ports::Unavailable};

use super::LockoutResponse;
use crate::http::{
    extract::{Admin, Path, Service},
    problem::{Failure, Problem},
};

/// Shows an address's lock
///
/// Whether it has an account or not. An address that is not locked is 404.
#[utoipa::path(
    get, path = "/v1/admin/lockouts/{email}", operation_id = "get_lockout",
    responses((status = 200, description = "The lock", body = LockoutResponse))
)]
pub async fn find_lockout(
    operations: Service<Operations>,
    Admin(admin): Admin,
    Path(email): Path<Email>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let found = operations.find_lockout(admin, &email).await?.ok_or_else(|| Problem::not_found("lock"))?;
    Ok(HttpResponse::Ok().json(LockoutResponse::from(found)))
}
