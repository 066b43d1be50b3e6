//! The HTTP contract on actix-web: one folder per noun, one file per verb, and one line per endpoint in `routes`.

mod accounts;
mod app;
mod draining;
mod events;
mod extract;
mod kitchen;
mod leaving;
mod live;
mod menu;
mod metrics;
mod middleware;
mod openapi;
mod operations;
mod orders;
mod pages;
mod payments;
mod problem;
mod representations;
mod routes;
mod sales;
mod sessions;
mod supplies;
mod transport;
mod validation;
mod wire;

use std::{io, rc::Rc};

use actix_cors::Cors;
use actix_web::{
    dev::Server,
    http::{Method, header},
    middleware::{Condition, from_fn},
    web::Data,
};

pub use self::{
    app::App,
    draining::Draining,
    extract::{Authenticator, CsrfGuard, CursorSigner, DeviceTokens, RateLimiter, SessionCookies},
    live::{Hub, StreamLimits, Streams},
    menu::MenuRenderer,
    metrics::metrics_server,
    middleware::Budgets,
    openapi::{Docs, document},
    operations::Health,
    pages::{Cards, Pages},
    transport::Listening,
};
use self::{
    extract::{CSRF_HEADER, DEVICE_HEADER},
    middleware::{AccessLog, Admission, ClientAddresses, Measuring, OverHttps, REQUEST_ID_HEADER, Serving},
};
use crate::config::{HttpConfig, canonical_network};

/// What the fuzz targets look into.
#[cfg(any(test, fuzzing))]
pub mod fuzzed {
    pub use super::{
        extract::{CSRF_HEADER, DeviceCookie},
        routes::ENDPOINTS,
        wire::{WireTime, Written},
    };
}

/// Binds the address and starts serving so many connections at a time. The caller decides when to stop.
///
/// Of the requests that succeed, so many per cent have a line in the log; of the others, all.
pub fn server(
    app: Data<App>,
    config: &HttpConfig,
    connections: usize,
    budgets: Budgets,
    traced: bool,
    access_percent: u32,
) -> io::Result<(Server, Listening)> {
    let cors_origins = config.cors_origins.clone();
    let measuring = Data::new(Measuring(config.metrics_addr.is_some()));
    let over_https = Data::new(OverHttps {
        secure_cookies: !config.insecure_cookies,
        trusted_proxies: config.trusted_proxies.iter().copied().map(canonical_network).collect(),
    });
    comanda_task::expect_no_panics();
    let admission = Admission::new(config.concurrent_requests);
    let clients = ClientAddresses::behind(&config.trusted_proxies);
    let access_log = Data::new(AccessLog { percent: access_percent, clients: clients.clone() });
    let draining = app.health.draining.clone();
    transport::listen(config, connections, draining, move || {
        let serving = Rc::new(Serving { admission: admission.clone(), budgets, clients: clients.clone(), traced });
        actix_web::App::new()
            .app_data(app.clone())
            .app_data(measuring.clone())
            .app_data(over_https.clone())
            .app_data(access_log.clone())
            .configure(|app| routes::register(app, &serving))
            .wrap(Condition::new(!cors_origins.is_empty(), cors(&cors_origins)))
            .wrap(from_fn(middleware::envelope))
    })
}

fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_MATCH, header::IF_NONE_MATCH])
        .allowed_headers(["idempotency-key", CSRF_HEADER, DEVICE_HEADER, REQUEST_ID_HEADER])
        .supports_credentials()
        .expose_headers([header::ETAG, header::LOCATION, header::RETRY_AFTER])
        .expose_headers(["idempotency-replayed", REQUEST_ID_HEADER])
        .expose_headers(problem::RATE_LIMIT_HEADERS)
        .expose_headers([leaving::DEPRECATION, leaving::SUNSET, "link"])
        .max_age(600);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
