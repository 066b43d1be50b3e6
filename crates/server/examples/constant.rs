//! A handler that answers with constant bytes: what reading the menu is measured against (`cargo xtask bench reads`).
//!
//! `constant <address> <file> <content type> <content encoding or ""> <etag>` answers `/` with the file's bytes and `/304` with no bytes.

use std::error::Error;

use actix_web::{
    App, HttpResponse, HttpServer,
    http::header::{CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderValue},
    web::{self, Bytes},
};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, file, content_type, encoding, etag] = &arguments[..] else { return Err("five arguments".into()) };
    let body = Bytes::from(std::fs::read(file)?);
    let content_type = HeaderValue::from_str(content_type)?;
    let encoding = (!encoding.is_empty()).then(|| HeaderValue::from_str(encoding)).transpose()?;
    let etag = HeaderValue::from_str(etag)?;
    let server = HttpServer::new(move || {
        let (body, content_type, encoding) = (body.clone(), content_type.clone(), encoding.clone());
        let (etag, tag) = (etag.clone(), etag.clone());
        let whole = move || {
            let mut response = HttpResponse::Ok();
            response.insert_header((CONTENT_TYPE, content_type.clone())).insert_header((ETAG, etag.clone()));
            if let Some(encoding) = &encoding {
                response.insert_header((CONTENT_ENCODING, encoding.clone()));
            }
            let response = response.body(body.clone());
            async { response }
        };
        let unchanged = move || {
            let response = HttpResponse::NotModified().insert_header((ETAG, tag.clone())).finish();
            async { response }
        };
        App::new().route("/", web::get().to(whole)).route("/304", web::get().to(unchanged))
    });
    Ok(server.workers(2).bind(address)?.run().await?)
}
