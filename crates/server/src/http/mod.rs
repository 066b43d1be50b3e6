//! The HTTP contract on actix-web: one file an endpoint, the routes here.

mod accounts;
mod app;
mod events;
mod extract;
mod menu;
mod middleware;
mod openapi;
mod operations;
mod orders;
mod payments;
mod problem;
mod sales;
mod sessions;
mod validation;
mod wire;

use std::{io, net::SocketAddr, time::Duration};

use actix_cors::Cors;
use actix_web::{
    HttpServer,
    dev::Server,
    http::{Method, header},
    middleware::{Condition, from_fn},
    web::{self, Data, ServiceConfig},
};

pub use self::{
    app::App,
    extract::{Authenticator, CsrfGuard, CursorSigner, RateLimiter, SessionCookies},
    menu::MenuRenderer,
    middleware::Budgets,
    openapi::document,
    operations::Health,
    payments::PaymentsWaker,
};
use self::{
    extract::CSRF_HEADER,
    middleware::{Admission, Measuring, REQUEST_ID_HEADER, Tracing},
    problem::Problem,
};
use crate::config::HttpConfig;

/// How long a client may take to send the head of its request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// Binds the address and starts serving; says where, since port 0 is any free one. The caller decides when to stop.
pub fn server(
    app: Data<App>,
    config: &HttpConfig,
    budgets: Budgets,
    traced: bool,
) -> io::Result<(Server, Vec<SocketAddr>)> {
    let cors_origins = config.cors_origins.clone();
    let budgets = Data::new(budgets);
    let measuring = Data::new(Measuring(config.metrics_addr.is_some()));
    let tracing = Data::new(Tracing(traced));
    let admission = Data::new(Admission::new(config.concurrent_requests));
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .app_data(app.clone())
            .app_data(budgets.clone())
            .app_data(admission.clone())
            .app_data(measuring.clone())
            .app_data(tracing.clone())
            .configure(routes)
            .wrap(Condition::new(!cors_origins.is_empty(), cors(&cors_origins)))
            .wrap(from_fn(middleware::envelope))
    })
    .workers(config.workers.get())
    .client_request_timeout(HEAD_TIMEOUT)
    .client_disconnect_timeout(Duration::from_secs(1))
    .keep_alive(KEEP_ALIVE)
    .shutdown_timeout(config.shutdown_timeout.as_secs().max(1))
    .disable_signals()
    .bind(config.bind_addr)?;
    let addresses = server.addrs();
    Ok((server.run(), addresses))
}

fn routes(app: &mut ServiceConfig) {
    // What is asked for most comes first: resources are tried in this order.
    app.service(web::resource("/v1/menu").route(web::get().to(menu::whole)))
        .service(
            web::resource("/v1/menu/items/{id}")
                .route(web::get().to(menu::item))
                .route(web::patch().to(menu::edit_item))
                .route(web::delete().to(menu::archive_item)),
        )
        .service(web::resource("/v1/orders").route(web::get().to(orders::list)).route(web::post().to(orders::place)))
        .service(web::resource("/v1/users").route(web::post().to(accounts::register)))
        .service(web::resource("/v1/sessions").route(web::post().to(sessions::log_in)))
        .service(web::resource("/v1/sessions/refresh").route(web::post().to(sessions::refresh_session)))
        .service(web::resource("/v1/sessions/current").route(web::delete().to(sessions::log_out)))
        .service(web::resource("/v1/web/sessions").route(web::post().to(sessions::log_in_browser)))
        .service(web::resource("/v1/web/sessions/current").route(web::delete().to(sessions::log_out_browser)))
        .service(web::resource("/v1/me").route(web::get().to(accounts::me)).route(web::patch().to(accounts::update_me)))
        .service(web::resource("/v1/me/password").route(web::put().to(accounts::change_password)))
        .service(web::resource("/v1/admin/lockouts").route(web::get().to(operations::lockouts)))
        .service(
            web::resource("/v1/admin/lockouts/{email}")
                .route(web::get().to(operations::lockout))
                .route(web::delete().to(operations::unlock)),
        )
        .service(web::resource("/v1/admin/users").route(web::get().to(accounts::accounts)))
        .service(web::resource("/v1/admin/users/{id}").route(web::patch().to(accounts::change_account)))
        .service(web::resource("/v1/admin/audit-log").route(web::get().to(operations::audit_log)))
        .service(
            web::resource("/v1/admin/flags/{name}")
                .route(web::get().to(operations::flag))
                .route(web::put().to(operations::set_flag)),
        )
        .service(web::resource("/v1/admin/dead-letters").route(web::get().to(events::dead_letters)))
        .service(web::resource("/v1/admin/dead-letters/{id}/resend").route(web::post().to(events::resend)))
        .service(web::resource("/v1/analytics/top-items").route(web::get().to(sales::top_items)))
        .service(web::resource("/v1/analytics/sales").route(web::get().to(sales::sales)))
        .service(web::resource("/.well-known/jwks.json").route(web::get().to(sessions::jwks)))
        .service(
            web::resource("/v1/menu/items")
                .route(web::get().to(menu::list_items))
                .route(web::post().to(menu::add_item)),
        )
        .service(web::resource("/v1/menu/items/{id}/stock").route(web::post().to(menu::adjust_stock)))
        .service(web::resource("/v1/orders/{id}").route(web::get().to(orders::order)))
        .service(web::resource("/v1/orders/{id}/cancel").route(web::post().to(orders::cancel)))
        .service(web::resource("/v1/orders/{id}/payments").route(web::post().to(payments::pay)))
        .service(web::resource("/v1/orders/{id}/payments/{payment_id}/settle").route(web::post().to(payments::settle)))
        .service(web::resource("/v1/orders/{id}/payments/{payment_id}/refunds").route(web::post().to(payments::refund)))
        .service(web::resource("/v1/webhooks/stripe").route(web::post().to(payments::stripe_webhook)))
        .service(web::resource("/v1/offline-gateway/intents/{intent}/pay").route(web::post().to(payments::offline_pay)))
        .service(web::resource("/v1/orders/{id}/status").route(web::post().to(orders::advance)))
        .service(web::resource("/health/live").route(web::get().to(operations::live)))
        .service(web::resource("/health/ready").route(web::get().to(operations::ready)))
        .service(web::resource("/openapi.json").route(web::get().to(openapi::json)))
        .service(web::resource("/docs").route(web::get().to(openapi::page)))
        .service(web::resource("/docs/{file}").route(web::get().to(openapi::file)))
        .service(web::resource("/problems/{code}").route(web::get().to(problem::page)))
        .default_service(web::to(|| async {
            Err::<&str, _>(Problem::of_status(actix_web::http::StatusCode::NOT_FOUND))
        }));
}

fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_MATCH, header::IF_NONE_MATCH])
        .allowed_headers(["idempotency-key", CSRF_HEADER, REQUEST_ID_HEADER])
        .supports_credentials()
        .expose_headers([header::ETAG, header::LOCATION, header::RETRY_AFTER])
        .expose_headers(["idempotency-replayed", REQUEST_ID_HEADER])
        .max_age(600);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
