//! A page to read about the API and to try it, without a byte from elsewhere.

use std::sync::Arc;

use actix_web::{HttpResponse, http::header, web::Path};
use utoipa_swagger_ui::{Config, SwaggerFile, serve};

use crate::http::problem::Problem;

/// Swagger UI styles its elements inline; nothing else is relaxed.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

pub async fn page() -> Result<HttpResponse, Problem> {
    let file = asset("index.html")?;
    // The page names its assets relative to `/docs/`; it is served at `/docs`.
    let page = String::from_utf8_lossy(&file.bytes).replacen("<head>", "<head><base href=\"/docs/\">", 1);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .content_type(file.content_type)
        .body(page.replace("<title>Swagger UI</title>", "<title>Comanda API</title>")))
}

pub async fn file(name: Path<String>) -> Result<HttpResponse, Problem> {
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
