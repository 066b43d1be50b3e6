//! Every route, one line each. Routing, the entry in the OpenAPI document, the budget of time and the label in
//! metrics follow from it.
//!
//! Path and method are those of the handler's `#[utoipa::path]`; what it needs and how it can fail follow from its
//! signature.

use std::{rc::Rc, sync::LazyLock};

use actix_web::{
    FromRequest, Handler, HttpRequest, HttpResponse, Responder, Route,
    dev::ServiceRequest,
    http::{
        Method, StatusCode,
        header::{ALLOW, HeaderValue},
    },
    middleware::from_fn,
    web::{self, ServiceConfig},
};
use utoipa::openapi::OpenApi;

use super::{
    accounts, events, kitchen,
    leaving::Leaving,
    menu,
    middleware::{Serving, serve},
    openapi::{self, Describe, Description, operations_of},
    operations, orders, pages, payments,
    problem::{self, Operation, Problem},
    sales, sessions, supplies,
};

/// What kind of work an endpoint does, which decides how long a request may take and how it is admitted and traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Is usually served from memory, and so often that a span of its own would cost as much as the response.
    Memory,
    /// Reads, usually from the database.
    Read,
    /// Sums up much of the database.
    Report,
    /// Changes something.
    Write,
    /// Checks or hashes a password, and may have to wait its turn for that.
    Password,
    /// Asks how the server is; it is served when the server is overloaded, too.
    Probe,
}

/// A method of a path, and its handler.
pub struct Endpoint {
    pub method: Method,
    pub path: String,
    pub class: Class,
    /// What cannot be done when it fails.
    pub operation: Operation,
    /// What the handler's attribute says.
    pub document: OpenApi,
    /// What the handler's signature says.
    pub description: Description,
    /// Whether it is announced to go.
    pub leaving: Option<Leaving>,
    route: fn() -> Route,
}

impl Endpoint {
    fn new<H, Args>(_: H, document: OpenApi, class: Class, operation: Operation, route: fn() -> Route) -> Self
    where
        H: Handler<Args, Output: Responder + Describe>,
        Args: FromRequest + Describe,
    {
        let described = document.paths.paths.iter().find_map(|(path, item)| {
            let (method, operation) = operations_of(item).next()?;
            Some((method, path.clone(), operation.operation_id.as_deref().and_then(Leaving::of)))
        });
        let (method, path, leaving) = described.unwrap_or_default();
        let description = Description::of::<(Args, H::Output)>();
        Self { method, path, class, operation, document, description, leaving, route }
    }
}

macro_rules! routes {
    ($($noun:ident::$verb:ident [$class:ident, $operation:ident],)+) => {
        /// Every endpoint there is.
        pub static ENDPOINTS: LazyLock<Vec<Endpoint>> = LazyLock::new(|| vec![$({
            #[derive(utoipa::OpenApi)]
            #[openapi(paths($noun::$verb))]
            struct Document;
            let document = <Document as utoipa::OpenApi>::openapi();
            let route = || web::to($noun::$verb);
            Endpoint::new($noun::$verb, document, Class::$class, Operation::$operation, route)
        }),+]);
    };
}

// What is asked for most comes first: paths are tried in this order.
routes! {
    menu::whole [Memory, MenuRead],
    menu::find [Memory, MenuRead],
    menu::edit [Write, MenuUpdate],
    menu::archive [Write, MenuUpdate],
    orders::list [Read, OrderLookup],
    orders::place [Write, OrderCreate],
    accounts::register [Password, UserCreate],
    sessions::sign_in [Password, AuthLookup],
    sessions::refresh [Write, AuthLookup],
    sessions::sign_out [Write, AuthLookup],
    sessions::sign_in_browser [Password, AuthLookup],
    sessions::sign_out_browser [Write, AuthLookup],
    sessions::list [Read, AuthLookup],
    sessions::end [Write, AuthLookup],
    sessions::end_others [Write, AuthLookup],
    sessions::end_all [Write, AuthLookup],
    accounts::me [Read, AuthLookup],
    accounts::update_me [Write, UserUpdate],
    accounts::change_password [Password, AuthLookup],
    accounts::request_verification [Write, UserUpdate],
    accounts::verify_email [Write, UserUpdate],
    accounts::request_password_reset [Write, UserUpdate],
    accounts::reset_password [Password, UserUpdate],
    operations::list_lockouts [Read, LockoutRead],
    operations::find_lockout [Read, LockoutRead],
    operations::unlock [Write, LockoutUpdate],
    accounts::list [Read, UserLookup],
    accounts::change [Write, UserUpdate],
    operations::read_audit_log [Read, AuditRead],
    operations::read_flag [Read, FlagRead],
    operations::set_flag [Write, FlagUpdate],
    events::list_dead_letters [Read, DeadLetterRead],
    events::resend [Write, DeadLetterUpdate],
    sales::top_items [Report, AnalyticsRead],
    sales::report [Report, AnalyticsRead],
    sessions::jwks [Read, Request],
    menu::list [Read, MenuRead],
    menu::add [Write, MenuUpdate],
    menu::adjust_stock [Write, MenuUpdate],
    menu::list_option_groups [Read, MenuRead],
    menu::add_option_group [Write, MenuUpdate],
    menu::find_option_group [Read, MenuRead],
    menu::edit_option_group [Write, MenuUpdate],
    menu::archive_option_group [Write, MenuUpdate],
    menu::offer_option_groups [Write, MenuUpdate],
    menu::change_recipe [Write, MenuUpdate],
    supplies::list [Read, SupplyRead],
    supplies::add [Write, SupplyUpdate],
    supplies::find [Read, SupplyRead],
    supplies::edit [Write, SupplyUpdate],
    supplies::archive [Write, SupplyUpdate],
    supplies::adjust [Write, SupplyUpdate],
    kitchen::list_tickets [Read, KitchenRead],
    kitchen::change_ticket [Write, KitchenUpdate],
    kitchen::list_stations [Read, KitchenRead],
    kitchen::add_station [Write, KitchenUpdate],
    kitchen::edit_station [Write, KitchenUpdate],
    kitchen::archive_station [Write, KitchenUpdate],
    orders::quote [Read, OrderLookup],
    orders::find [Read, OrderLookup],
    orders::watch [Read, OrderLookup],
    kitchen::watch_kitchen [Read, KitchenRead],
    orders::cancel [Write, OrderUpdate],
    payments::pay [Write, PaymentCreate],
    payments::settle [Write, PaymentUpdate],
    payments::refund [Write, PaymentUpdate],
    payments::list_refunds [Read, OrderLookup],
    payments::stripe_webhook [Write, PaymentUpdate],
    payments::offline_pay [Write, PaymentUpdate],
    orders::advance [Write, OrderUpdate],
    operations::live [Probe, Request],
    operations::ready [Probe, Request],
    pages::customers [Memory, MenuRead],
    pages::kitchen [Memory, Request],
    pages::office [Memory, Request],
    pages::asset [Read, Request],
    openapi::json [Read, Request],
    openapi::page [Read, Request],
    openapi::page_address [Read, Request],
    openapi::file [Read, Request],
    problem::index [Read, Request],
    problem::page [Read, Request],
}

/// The endpoints of each path, in order of its first line. A path that is registered twice would respond with 405 to
/// the methods of its second registration.
pub fn resources() -> Vec<(&'static str, Vec<&'static Endpoint>)> {
    let mut resources: Vec<(&str, Vec<&Endpoint>)> = Vec::new();
    for endpoint in ENDPOINTS.iter() {
        match resources.iter_mut().find(|(path, _)| *path == endpoint.path) {
            Some((_, endpoints)) => endpoints.push(endpoint),
            None => resources.push((&endpoint.path, vec![endpoint])),
        }
    }
    resources
}

/// What the `Allow` of a path lists: `HEAD` goes with `GET`, and `OPTIONS` with everything.
fn allow(endpoints: &[&Endpoint]) -> Option<HeaderValue> {
    let mut methods: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.method.as_str()).collect();
    methods.extend(methods.contains(&Method::GET.as_str()).then_some("HEAD"));
    methods.push("OPTIONS");
    HeaderValue::from_str(&methods.join(", ")).ok()
}

/// The `Allow` of a path as it is written here; `None` for one that is not.
pub fn allow_of(path: &str) -> Option<HeaderValue> {
    let (_, endpoints) = resources().into_iter().find(|(known, _)| *known == path)?;
    allow(&endpoints)
}

/// A response that says which methods there are, and nothing else.
fn methods_only(status: StatusCode, allow: Option<&HeaderValue>) -> HttpResponse {
    let mut response = HttpResponse::new(status);
    if let Some(allow) = allow {
        response.headers_mut().insert(ALLOW, allow.clone());
    }
    response
}

pub fn register(app: &mut ServiceConfig, serving: &Rc<Serving>) {
    for (path, endpoints) in resources() {
        let allow = allow(&endpoints);
        let methods_only = move |status| {
            let allow = allow.clone();
            move || {
                let response = methods_only(status, allow.as_ref());
                async { response }
            }
        };
        let options = web::method(Method::OPTIONS).to(methods_only(StatusCode::NO_CONTENT));
        let resource =
            web::resource(path).route(options).default_service(web::to(methods_only(StatusCode::METHOD_NOT_ALLOWED)));
        let resource = endpoints.iter().fold(resource, |resource, endpoint| {
            let resource = resource.route((endpoint.route)().method(endpoint.method.clone()));
            // The HTTP layer leaves the body out (RFC 9110, section 9.3.2).
            if endpoint.method == Method::GET {
                resource.route((endpoint.route)().method(Method::HEAD))
            } else {
                resource
            }
        });
        let serving = Rc::clone(serving);
        app.service(resource.wrap(from_fn(move |request: ServiceRequest, next| {
            let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
            let endpoint = endpoints.iter().copied().find(|endpoint| endpoint.method == *method);
            serve(endpoint, Rc::clone(&serving), request, next)
        })));
    }
    app.default_service(web::to(elsewhere));
}

/// What has no path here. `*` is the server as a whole (RFC 9110, section 9.3.7).
async fn elsewhere(request: HttpRequest) -> Result<HttpResponse, Problem> {
    if request.method() == Method::OPTIONS && request.path() == "*" {
        let every = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        return Ok(methods_only(StatusCode::NO_CONTENT, Some(&every)));
    }
    Err(Problem::of_status(StatusCode::NOT_FOUND))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use actix_web::{
        App,
        http::header,
        test::{TestRequest, call_service, init_service, try_call_service},
    };
    use serde_json::Value;

    use super::*;
    use crate::http::middleware::{Admission, Budgets, ClientAddresses, envelope};
    use crate::http::openapi::Access;

    fn serving() -> Rc<Serving> {
        let time = Duration::from_secs(1);
        let budgets = Budgets { read: time, report: 2 * time, write: 3 * time, password: 4 * time };
        Rc::new(Serving {
            admission: Admission::new(10),
            budgets,
            clients: ClientAddresses::behind(&[]),
            traced: false,
        })
    }

    /// An address that the path matches.
    fn address(path: &str) -> String {
        path.split('/')
            .map(|segment| if segment.starts_with('{') { "1" } else { segment })
            .collect::<Vec<_>>()
            .join("/")
    }

    #[actix_web::test]
    async fn a_line_is_a_route_an_operation_a_class_and_a_label() {
        let serving = serving();
        let app = App::new().configure(|app| register(app, &serving)).wrap(from_fn(envelope));
        let app = init_service(app).await;
        let mut lines = BTreeSet::new();
        for endpoint in ENDPOINTS.iter() {
            let line = (endpoint.path.as_str(), endpoint.method.as_str());
            assert!(lines.insert(line), "{line:?} has two lines");

            let request = TestRequest::with_uri(&address(&endpoint.path)).method(endpoint.method.clone());
            let response = call_service(&app, request.to_request()).await;
            assert_ne!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{line:?}");
            assert_eq!(response.request().match_pattern().as_ref(), Some(&endpoint.path), "the label of {line:?}");

            // It is posted because a basket is too long for an address, and changes nothing.
            let asks = line == ("/v1/orders/quote", "POST");
            let reads = !matches!(endpoint.class, Class::Write | Class::Password);
            assert_eq!(reads, asks || endpoint.method.is_safe(), "the class of {line:?}");
            let reports = endpoint.path.starts_with("/v1/analytics/");
            assert_eq!(reports, endpoint.class == Class::Report, "the class of {line:?}");
            let checks_a_password = endpoint.description.problems.contains(&problem::Code::AccountLocked);
            assert!(!checks_a_password || endpoint.class == Class::Password, "the class of {line:?}");
            let changes = endpoint.method == Method::POST && !asks;
            let may_be_repeated = changes && endpoint.description.access == Access::SignedIn;
            assert_eq!(may_be_repeated, endpoint.description.replays, "the Idempotency-Key of {line:?}");
            let limited = endpoint.description.limits_addresses;
            assert!(endpoint.class != Class::Password || limited, "{line:?} hashes a password for any number of tries");
        }
        let document: Value = serde_json::from_str(openapi::document()).unwrap();
        let documented = document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(|method| (path.clone(), method.to_uppercase()))
        });
        let lines: BTreeSet<_> = lines.into_iter().map(|(path, method)| (path.to_owned(), method.to_owned())).collect();
        assert_eq!(documented.collect::<BTreeSet<_>>(), lines);
    }

    #[utoipa::path(
        get, path = "/v1/made-up", operation_id = "get_made_up",
        responses((status = 200, description = "It"))
    )]
    async fn made_up(request: HttpRequest) -> Result<HttpResponse, Problem> {
        match request.query_string() {
            "fails" => Err(Problem::not_found("it")),
            "panics" => panic!("in this test"),
            "lasts" => std::future::pending().await,
            _ => Ok(HttpResponse::Ok().finish()),
        }
    }

    #[actix_web::test]
    async fn an_operation_that_is_to_go_says_so_in_the_document_and_with_each_response() {
        #[derive(utoipa::OpenApi)]
        #[openapi(paths(made_up))]
        struct Document;

        for leaving in [Leaving::read("2027-02-01", "2027-08-01", Some("orders/place_order")), None] {
            let route = || web::to(made_up);
            let document = <Document as utoipa::OpenApi>::openapi();
            let endpoint = Endpoint::new(made_up, document.clone(), Class::Read, Operation::Request, route);
            let endpoint: &'static Endpoint = Box::leak(Box::new(Endpoint { leaving, ..endpoint }));
            let time = Duration::from_millis(50);
            let budgets = Budgets { read: time, report: time, write: time, password: time };
            let serving = Rc::new(Serving { admission: Admission::new(1), budgets, ..(*serving()).clone() });
            let around = Rc::clone(&serving);
            let served =
                from_fn(move |request: ServiceRequest, next| serve(Some(endpoint), Rc::clone(&around), request, next));
            let app = App::new().service(web::resource("/v1/made-up").route(route()).wrap(served));
            let app = init_service(app.wrap(from_fn(envelope))).await;
            for (query, coding, status) in [
                ("", "identity", 200),
                ("fails", "identity", 404),
                ("panics", "identity", 500),
                ("lasts", "identity", 503),
                ("", "gzip", 415),
                ("full", "identity", 503),
            ] {
                let _place = (query == "full").then(|| serving.admission.admit().unwrap());
                let request = TestRequest::with_uri(&format!("/v1/made-up?{query}"));
                let request = request.insert_header((header::CONTENT_ENCODING, coding)).set_payload("x");
                let response = match try_call_service(&app, request.to_request()).await {
                    Ok(response) => response.into_parts().1.map_into_boxed_body(),
                    Err(error) => error.error_response(),
                };
                assert_eq!(response.status(), status, "{query}");
                for name in ["deprecation", "sunset", "link"] {
                    assert_eq!(response.headers().contains_key(name), leaving.is_some(), "{name} of {status} {query}");
                }
            }

            let (_, item) = document.paths.paths.into_iter().next().unwrap();
            let mut operation = item.get.unwrap();
            openapi::complete(&mut operation, endpoint);
            let operation = serde_json::to_value(operation).unwrap();
            assert_eq!(operation["deprecated"] == true, leaving.is_some());
            let described = operation["description"].as_str().unwrap_or_default().contains("from 2027-08-01 on");
            assert_eq!(described, leaving.is_some());
            assert_eq!(operation.to_string().contains("`place_order` replaces it"), leaving.is_some());
            assert_eq!(operation["responses"]["500"]["headers"]["Sunset"].is_object(), leaving.is_some());
        }
    }

    #[actix_web::test]
    async fn a_path_takes_its_methods_and_says_which_when_asked_for_another() {
        let serving = serving();
        let app = init_service(App::new().configure(|app| register(app, &serving)).wrap(from_fn(envelope))).await;
        for (path, endpoints) in resources() {
            let request = TestRequest::with_uri(&address(path)).method(Method::TRACE).to_request();
            let response = call_service(&app, request).await;
            assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
            let allowed = response.headers().get(header::ALLOW).unwrap().to_str().unwrap().to_owned();
            let named: BTreeSet<&str> = allowed.split(',').map(str::trim).collect();
            let mut methods: BTreeSet<&str> = endpoints.iter().map(|endpoint| endpoint.method.as_str()).collect();
            methods.extend(methods.contains("GET").then_some("HEAD"));
            methods.insert("OPTIONS");
            assert_eq!(named, methods, "{path}");

            let request = TestRequest::with_uri(&address(path)).method(Method::OPTIONS).to_request();
            let response = call_service(&app, request).await;
            assert_eq!(response.status(), StatusCode::NO_CONTENT, "{path}");
            assert_eq!(response.headers().get(header::ALLOW).unwrap(), allowed.as_str(), "{path}");

            let request = TestRequest::with_uri(&address(path)).method(Method::HEAD).to_request();
            let response = call_service(&app, request).await;
            let has_head = response.status() != StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(has_head, methods.contains("GET"), "{path}");
        }
        let whole = TestRequest::with_uri("*").method(Method::OPTIONS).to_request();
        assert_eq!(call_service(&app, whole).await.status(), StatusCode::NO_CONTENT);
        let response = call_service(&app, TestRequest::with_uri("/v1/nothing").to_request()).await;
        assert_eq!((response.status(), response.request().match_pattern()), (StatusCode::NOT_FOUND, None));
    }
}
