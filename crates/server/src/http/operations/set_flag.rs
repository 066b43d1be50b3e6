use actix_web::HttpResponse;
use comanda_application::Operations;
use comanda_domain::{FeatureFlag, Percentage, ports::Unavailable};
use serde::Deserialize;
use utoipa::ToSchema;

use super::FlagResponse;
use crate::http::{
    extract::{Admin, Json, Path, Service},
    problem::{Failure, Problem},
    validation::Violations,
    wire::WireInteger,
};

/// Sets a feature flag; every server follows within 5 s
///
/// What is in at some percentage stays in as it grows.
#[utoipa::path(
    put, path = "/v1/admin/flags/{name}", operation_id = "set_flag",
    request_body = SetFlagRequest,
    responses((status = 200, description = "The flag", body = FlagResponse))
)]
pub async fn set_flag(
    operations: Service<Operations>,
    Admin(admin): Admin,
    Path(flag): Path<FeatureFlag>,
    Json(request): Json<SetFlagRequest>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let percentage = request.validate()?;
    operations.set_flag(admin, flag, percentage).await?;
    Ok(HttpResponse::Ok().json(FlagResponse::new(flag, percentage)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetFlagRequest {
    #[schema(value_type = i64, minimum = 0, maximum = 100, example = 25)]
    percentage: WireInteger,
}

impl SetFlagRequest {
    fn validate(&self) -> Result<Percentage, Problem> {
        let mut violations = Violations::default();
        let percentage = violations.check("/percentage", Percentage::new(self.percentage.0));
        violations.finish(percentage)
    }
}
