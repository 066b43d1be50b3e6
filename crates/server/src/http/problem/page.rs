//! The pages that the `type` of a problem points at.

use actix_web::{HttpResponse, http::header, web::Path};

use super::{Code, Problem};

pub async fn page(code: Path<String>) -> Result<HttpResponse, Problem> {
    let code = Code::ALL.iter().find(|known| known.as_str() == *code).ok_or_else(|| Problem::not_found("problem"))?;
    let (name, status, title, meaning) = (code.as_str(), code.status().as_u16(), code.title(), code.meaning());
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"))
        .content_type("text/html; charset=utf-8")
        .body(format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{name}</title>\
             <style>body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }}</style>\
             <h1>{title}</h1><p><code>{name}</code>, status {status}</p><p>{meaning}</p></html>"
        )))
}
