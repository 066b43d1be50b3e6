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
        .allowed_headers(["idempotency-key", "last-event-id", CSRF_HEADER, DEVICE_HEADER, REQUEST_ID_HEADER])
        .supports_credentials()
        .expose_headers([header::ETAG, header::LOCATION, header::RETRY_AFTER])
        .expose_headers(["idempotency-replayed", REQUEST_ID_HEADER])
        .expose_headers(problem::RATE_LIMIT_HEADERS)
        .expose_headers([leaving::DEPRECATION, leaving::SUNSET, "link"])
        .max_age(600);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use actix_web::{
        App,
        http::{StatusCode, header::HeaderMap},
        test::{TestRequest, call_service, init_service},
    };
    use serde_json::Value;

    use super::*;

    const ORIGIN: &str = "https://shop.example";

    /// What scripts may read of any response (Fetch, "CORS-safelisted response-header name").
    const READABLE: [&str; 2] = ["cache-control", "content-language"];
    /// What is for browsers, for caches and proxies on the way, or said by the problem's code as well.
    const NOT_FOR_SCRIPTS: [&str; 5] =
        ["accept-encoding", "set-cookie", "vary", "www-authenticate", "x-accel-buffering"];

    fn listed(headers: &HeaderMap, name: header::HeaderName) -> BTreeSet<String> {
        let listed = headers.get(name).unwrap().to_str().unwrap().to_lowercase();
        listed.split(',').map(|name| name.trim().to_owned()).collect()
    }

    #[actix_web::test]
    async fn pages_of_an_allowed_origin_send_and_read_every_header_of_the_document() {
        let document: Value = serde_json::from_str(document()).unwrap();
        let mut sent = BTreeSet::from(["authorization", CSRF_HEADER, "content-type"].map(str::to_owned));
        let mut received = BTreeSet::from([leaving::DEPRECATION, leaving::SUNSET, "link"].map(str::to_owned));
        let operations = document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap());
        for (_, operation) in operations {
            let parameters = operation["parameters"].as_array().unwrap().iter();
            let headers = parameters.filter(|parameter| parameter["in"] == "header");
            sent.extend(headers.map(|parameter| parameter["name"].as_str().unwrap().to_lowercase()));
            let responses = operation["responses"].as_object().unwrap().values();
            let headers = responses.flat_map(|response| response["headers"].as_object().unwrap().keys());
            received.extend(headers.map(|name| name.to_lowercase()));
        }
        assert!(sent.remove("stripe-signature"), "only servers send it");

        let app = init_service(App::new().wrap(cors(&[ORIGIN.to_owned()]))).await;
        for name in &sent {
            let preflight = TestRequest::default().method(Method::OPTIONS).insert_header((header::ORIGIN, ORIGIN));
            let preflight = preflight.insert_header((header::ACCESS_CONTROL_REQUEST_METHOD, "GET"));
            let preflight = preflight.insert_header((header::ACCESS_CONTROL_REQUEST_HEADERS, name.as_str()));
            let response = call_service(&app, preflight.to_request()).await;
            assert_eq!(response.status(), StatusCode::OK, "{name}");
            assert!(listed(response.headers(), header::ACCESS_CONTROL_ALLOW_HEADERS).contains(name), "{name}");
        }
        let request = TestRequest::default().insert_header((header::ORIGIN, ORIGIN)).to_request();
        let exposed = listed(call_service(&app, request).await.headers(), header::ACCESS_CONTROL_EXPOSE_HEADERS);
        for name in received.iter().map(String::as_str) {
            let is_readable = exposed.contains(name) || READABLE.contains(&name);
            assert!(is_readable || NOT_FOR_SCRIPTS.contains(&name), "{name}");
        }
    }
}
