//! The pages that the `type` of a problem points at.

use actix_web::{HttpResponse, http::header};

use super::{Code, Problem};
use crate::http::extract::Path;

/// The page's own style, and nothing else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// Explains a problem code
#[utoipa::path(
    get, path = "/problems/{code}", operation_id = "get_problem_page", tag = "documentation",
    responses((status = 200, description = "An HTML page", body = String, content_type = "text/html"))
)]
pub async fn page(Path(code): Path<Code>) -> Result<HttpResponse, Problem> {
    let (name, status, title, meaning) = (code.as_str(), code.status().as_u16(), code.title(), code.meaning());
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .content_type("text/html; charset=utf-8")
        .body(format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{name}</title>\
             <style>body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 40rem; \
             margin: 3rem auto; padding: 0 1rem }}</style>\
             <h1>{title}</h1><p><code>{name}</code>, status {status}</p><p>{meaning}</p></html>"
        )))
}
