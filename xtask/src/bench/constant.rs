use std::{path::PathBuf, process::ExitCode};

use actix_web::{
    App, HttpResponse, HttpServer,
    http::header::{CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderValue},
    web::{self, Bytes},
};
use anyhow::Context;
use clap::Args;

#[derive(Args)]
pub struct ConstantArguments {
    /// Where to listen, as `host:port`
    address: String,
    /// The file whose bytes `/` returns; `/304` returns none
    file: PathBuf,
    content_type: String,
    /// `Content-Encoding`, or an empty string
    encoding: String,
    etag: String,
}

/// A server with the same HTTP stack as ours, and a handler that returns constant bytes: what reading the menu is
/// compared with.
pub async fn run(arguments: ConstantArguments) -> anyhow::Result<ExitCode> {
    let ConstantArguments { address, file, content_type, encoding, etag } = arguments;
    let body = Bytes::from(std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?);
    let content_type = HeaderValue::from_str(&content_type)?;
    let encoding = (!encoding.is_empty()).then(|| HeaderValue::from_str(&encoding)).transpose()?;
    let etag = HeaderValue::from_str(&etag)?;
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
    server.workers(2).bind(&address)?.run().await?;
    Ok(ExitCode::SUCCESS)
}
