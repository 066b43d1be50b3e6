//! The pages that the `type` of a problem points at, and their index.

use actix_web::{HttpResponse, http::header};

use super::{Code, Problem};
use crate::http::extract::Path;

/// The page's own style, and nothing else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// Lists the problem codes
///
/// An HTML page for people: each code with its status, and a link to the page that explains it.
#[utoipa::path(
    get, path = "/problems", operation_id = "list_problem_pages", tag = "documentation",
    responses((status = 200, description = "An HTML page", body = String, content_type = "text/html"))
)]
pub async fn index() -> HttpResponse {
    let row = |code: &Code| {
        let (name, status, title) = (code.as_str(), code.status().as_u16(), code.title());
        format!("<tr><td><a href=\"/problems/{name}\"><code>{name}</code></a><td>{status}<td>{title}")
    };
    let rows = Code::ALL.iter().map(row).collect::<Vec<_>>().concat();
    let table = format!("<table><thead><tr><th>Code<th>Status<th>Meaning<tbody>{rows}</table>");
    document("Problems", &format!("<h1>Problems</h1><p>What a request can fail with.</p>{table}"))
}

/// Explains a problem code
///
/// An HTML page for people. The `type` of every problem is its address.
#[utoipa::path(
    get, path = "/problems/{code}", operation_id = "get_problem_page", tag = "documentation",
    responses((status = 200, description = "An HTML page", body = String, content_type = "text/html"))
)]
pub async fn page(Path(code): Path<Code>) -> Result<HttpResponse, Problem> {
    let (name, status, title, meaning) = (code.as_str(), code.status().as_u16(), code.title(), code.meaning());
    let explained = format!("<h1>{title}</h1><p><code>{name}</code>, status {status}</p><p>{meaning}</p>");
    Ok(document(name, &format!("{explained}<p><a href=\"/problems\">All problems</a></p>")))
}

fn document(title: &str, body: &str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .content_type("text/html; charset=utf-8")
        .body(format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
             <style>body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 44rem; \
             margin: 3rem auto; padding: 0 1rem }} td, th {{ text-align: left; padding: 0.1rem 1rem 0.1rem 0 }}</style>\
             {body}</html>"
        ))
}
