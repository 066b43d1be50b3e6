use actix_web::HttpResponse;
use comanda_application::Supplies;
use comanda_domain::{SupplyId, ports::Unavailable};

use super::supply_response::SupplyResponse;
use crate::http::{
    extract::{Path, Service, Staff, etag},
    problem::{Failure, Problem},
};

/// Shows a supply
///
/// The `ETag` is the revision, which `If-Match` of a change names. Sales do not change it.
#[utoipa::path(
    get, path = "/v1/supplies/{id}", operation_id = "get_supply",
    responses((status = 200, description = "The supply", body = SupplyResponse,
        headers(("ETag" = String, description = "The revision"))))
)]
pub async fn find(
    supplies: Service<Supplies>,
    Staff(staff): Staff,
    Path(id): Path<SupplyId>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let supply = supplies.find(staff, id).await?.ok_or_else(|| Problem::not_found("supply"))?;
    Ok(HttpResponse::Ok().insert_header(etag(supply.revision)).json(SupplyResponse::from(&supply)))
}
