//! What operators scrape, on a port of its own.

use std::{io, net::SocketAddr};

use actix_web::{
    App, HttpResponse, HttpServer,
    dev::Server,
    http::{
        Method, StatusCode,
        header::{ALLOW, CONTENT_TYPE},
    },
    middleware::from_fn,
    web,
};

use super::middleware;

/// The methods of the only path.
const METHODS: &str = "GET, HEAD, OPTIONS";

/// The format of Prometheus, and of what scrapes like it.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Binds the address and serves `/metrics`, until the process ends.
pub fn metrics_server(address: SocketAddr, render: impl Fn() -> String + Clone + Send + 'static) -> io::Result<Server> {
    let app = move || {
        let render = render.clone();
        let metrics = move || {
            let text = render();
            async { HttpResponse::Ok().insert_header((CONTENT_TYPE, FORMAT)).body(text) }
        };
        let methods_only =
            |status| move || async move { HttpResponse::build(status).insert_header((ALLOW, METHODS)).finish() };
        let resource = web::resource("/metrics")
            .route(web::get().to(metrics.clone()))
            .route(web::head().to(metrics))
            .route(web::method(Method::OPTIONS).to(methods_only(StatusCode::NO_CONTENT)))
            .default_service(web::to(methods_only(StatusCode::METHOD_NOT_ALLOWED)));
        App::new().service(resource).wrap(from_fn(middleware::envelope))
    };
    Ok(HttpServer::new(app).workers(1).disable_signals().bind(address)?.run())
}
