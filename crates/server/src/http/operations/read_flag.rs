use actix_web::HttpResponse;
use comanda_application::Operations;
use comanda_domain::{FeatureFlag, ports::Unavailable};

use super::FlagResponse;
use crate::http::{
    extract::{Admin, Path, Service},
    problem::Failure,
};

/// Shows a feature flag
///
/// The percentage that every server goes by.
#[utoipa::path(
    get, path = "/v1/admin/flags/{name}", operation_id = "get_flag",
    responses((status = 200, description = "The flag", body = FlagResponse))
)]
pub async fn read_flag(
    operations: Service<Operations>,
    Admin(admin): Admin,
    Path(flag): Path<FeatureFlag>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let percentage = operations.read_flag(admin, flag).await?;
    Ok(HttpResponse::Ok().json(FlagResponse::new(flag, percentage)))
}
