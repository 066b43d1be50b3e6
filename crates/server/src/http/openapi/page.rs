//! A page to read about the API and to try it, which loads nothing from other servers.

use std::{borrow::Cow, sync::Arc};

use actix_web::{HttpResponse, http::header};
use utoipa_swagger_ui::{Config, SwaggerFile, serve};

use crate::http::{
    extract::{AssetName, Path, Service},
    problem::{Code, Failure, Problem, Problems},
};

/// Whether the document and the page are served.
#[derive(Clone, Copy)]
pub struct Docs {
    pub served: bool,
}

impl Docs {
    pub(super) fn ensure_served(self) -> Result<(), DocsError> {
        if self.served { Ok(()) } else { Err(DocsError::NotServed) }
    }
}

/// Why there is no documentation.
#[derive(Debug)]
pub enum DocsError {
    NotServed,
}

impl From<DocsError> for Problem {
    fn from(error: DocsError) -> Self {
        match error {
            DocsError::NotServed => Self::not_found("page"),
        }
    }
}

impl Problems for DocsError {
    const CODES: &'static [Code] = &[Code::NotFound];
}

/// Swagger UI styles its elements inline; nothing else is relaxed.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/// Leads to the page to try the API
///
/// The page refers to its parts by addresses relative to its own, which therefore ends with a slash.
#[utoipa::path(
    get, path = "/docs", operation_id = "find_documentation", tag = "documentation",
    responses((status = 308, description = "The page is at `/docs/`",
        headers(("Location" = String, description = "`/docs/`"))))
)]
pub async fn page_address(docs: Service<Docs>) -> Result<HttpResponse, Failure<DocsError>> {
    docs.ensure_served()?;
    Ok(HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish())
}

/// Shows a page to try the API
///
/// It shows this document, and sends requests to this server with either credential. Nothing is loaded from elsewhere.
#[utoipa::path(
    get, path = "/docs/", operation_id = "get_documentation", tag = "documentation",
    responses((status = 200, description = "An HTML page", body = String, content_type = "text/html"))
)]
pub async fn page(docs: Service<Docs>) -> Result<HttpResponse, Failure<DocsError>> {
    docs.ensure_served()?;
    let file = asset("index.html")?;
    let page = String::from_utf8_lossy(&file.bytes);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .content_type(with_charset(&file.content_type))
        .body(page.replace("<title>Swagger UI</title>", "<title>Comanda API</title>")))
}

/// Serves a part of that page
///
/// The page refers to each of them.
#[utoipa::path(
    get, path = "/docs/{file}", operation_id = "get_documentation_asset", tag = "documentation",
    responses((status = 200, description = "A style sheet, a script or an image", body = Vec<u8>,
        content_type = "application/octet-stream",
        headers(("Cache-Control" = String, description = "`public, max-age=3600`"))))
)]
pub async fn file(
    docs: Service<Docs>,
    Path(AssetName(name)): Path<AssetName>,
) -> Result<HttpResponse, Failure<DocsError>> {
    docs.ensure_served()?;
    let file = asset(&name)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .content_type(with_charset(&file.content_type))
        .body(file.bytes.into_owned()))
}

/// What is text is in UTF-8, and says so.
fn with_charset(content_type: &str) -> String {
    let is_text = content_type.starts_with("text/") || content_type.ends_with("javascript");
    if is_text && !content_type.contains(';') {
        format!("{content_type}; charset=utf-8")
    } else {
        content_type.to_owned()
    }
}

/// The script that begins. Ours signs in with either credential.
const BEGINNING: (&str, &str) = ("swagger-initializer.js", include_str!("../../../pages/documentation.js"));

fn asset(name: &str) -> Result<SwaggerFile<'static>, DocsError> {
    let config = Arc::new(Config::from("/openapi.json"));
    let mut file = serve(name, config).ok().flatten().ok_or(DocsError::NotServed)?;
    if name == BEGINNING.0 {
        file.bytes = Cow::Borrowed(BEGINNING.1.as_bytes());
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::problem::documents;

    #[test]
    fn what_is_not_served_is_not_found() {
        let documents = documents([DocsError::NotServed], |error| match error {
            DocsError::NotServed => {}
        });
        assert!(documents.contains("not-found"), "{documents}");
    }
}
