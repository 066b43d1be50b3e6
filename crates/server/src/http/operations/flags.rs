use actix_web::HttpResponse;
use comanda_application::Operations;

use crate::http::{
    extract::{Admin, FlagPath, Json, Service},
    problem::{Problem, ProblemDocument},
    wire::{FlagResponse, SetFlagRequest},
};

/// Shows what a feature flag is at
#[utoipa::path(
    get, path = "/v1/admin/flags/{name}", tag = "admin", params(("name" = String, Path, example = "menu-cache")),
    responses(
        (status = 200, body = FlagResponse),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn flag(
    operations: Service<Operations>,
    Admin(admin): Admin,
    FlagPath(flag): FlagPath,
) -> Result<HttpResponse, Problem> {
    let percentage =
        operations.read_flag(admin, flag).await.map_err(|cause| Problem::unavailable("flag.read", &cause))?;
    Ok(HttpResponse::Ok().json(FlagResponse::new(flag, percentage)))
}

/// Sets a feature flag; every server goes by it within 5 s
#[utoipa::path(
    put, path = "/v1/admin/flags/{name}", tag = "admin", params(("name" = String, Path, example = "menu-cache")),
    request_body = SetFlagRequest,
    responses(
        (status = 200, body = FlagResponse),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`validation-failed`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn set_flag(
    operations: Service<Operations>,
    Admin(admin): Admin,
    FlagPath(flag): FlagPath,
    Json(request): Json<SetFlagRequest>,
) -> Result<HttpResponse, Problem> {
    let percentage = request.validate()?;
    operations.set_flag(admin, flag, percentage).await.map_err(|cause| Problem::unavailable("flag.update", &cause))?;
    Ok(HttpResponse::Ok().json(FlagResponse::new(flag, percentage)))
}
