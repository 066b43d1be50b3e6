//! A page to read about the API and to try it, which loads nothing from other servers.

use std::sync::Arc;

use actix_web::{HttpResponse, http::header};
use utoipa_swagger_ui::{Config, SwaggerFile, serve};

use crate::http::{
    extract::{AssetName, Path},
    problem::Problem,
};

/// Swagger UI styles its elements inline; nothing else is relaxed.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/// Shows a page to try the API
#[utoipa::path(
    get, path = "/docs", operation_id = "get_documentation", tag = "documentation",
    responses((status = 200, description = "An HTML page", body = String, content_type = "text/html"))
)]
pub async fn page() -> Result<HttpResponse, Problem> {
    let file = asset("index.html")?;
    // The page names its assets relative to `/docs/`; it is served at `/docs`.
    let page = String::from_utf8_lossy(&file.bytes).replacen("<head>", "<head><base href=\"/docs/\">", 1);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .content_type(file.content_type)
        .body(page.replace("<title>Swagger UI</title>", "<title>Comanda API</title>")))
}

/// Serves a part of that page
#[utoipa::path(
    get, path = "/docs/{file}", operation_id = "get_documentation_asset", tag = "documentation",
    responses((status = 200, description = "A style sheet, a script or an image", body = Vec<u8>,
        content_type = "application/octet-stream"))
)]
pub async fn file(Path(AssetName(name)): Path<AssetName>) -> Result<HttpResponse, Problem> {
    let file = asset(&name)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .content_type(file.content_type)
        .body(file.bytes.into_owned()))
}

fn asset(name: &str) -> Result<SwaggerFile<'static>, Problem> {
    let config = Arc::new(Config::from("/openapi.json").try_it_out_enabled(true));
    serve(name, config).ok().flatten().ok_or_else(|| Problem::not_found("page"))
}
