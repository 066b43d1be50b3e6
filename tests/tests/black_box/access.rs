//! Who may call what: every route × anonymous, another customer, staff, admin.

use std::collections::BTreeSet;

use comanda_tests::{Client, PASSWORD, Response, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

/// Who may call a route.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    /// Whoever comes.
    Anyone,
    /// Whoever is signed in.
    SignedIn,
    /// The customer whose order it is, and staff; for others it does not exist.
    OwnOrStaff,
    /// The customer whose order it is; for others it does not exist, staff included.
    Own,
    /// Staff and admins.
    Staff,
    /// Admins.
    Admin,
}

use Guard::{Admin, Anyone, Own, OwnOrStaff, SignedIn, Staff};

/// Every route, and who may call it. What is not listed here fails the test.
const ROUTES: &[(&str, &str, Guard)] = &[
    ("GET", "/", Anyone),
    ("GET", "/.well-known/jwks.json", Anyone),
    ("GET", "/assets/{version}/{file}", Anyone),
    ("GET", "/docs", Anyone),
    ("GET", "/docs/", Anyone),
    ("GET", "/docs/{file}", Anyone),
    ("GET", "/health/live", Anyone),
    ("GET", "/health/ready", Anyone),
    ("GET", "/kitchen", Anyone),
    ("GET", "/office", Anyone),
    ("GET", "/openapi.json", Anyone),
    ("GET", "/problems", Anyone),
    ("GET", "/problems/{code}", Anyone),
    ("GET", "/v1/admin/audit-log", Admin),
    ("GET", "/v1/admin/dead-letters", Admin),
    ("POST", "/v1/admin/dead-letters/{id}/resend", Admin),
    ("GET", "/v1/admin/flags/{name}", Admin),
    ("PUT", "/v1/admin/flags/{name}", Admin),
    ("GET", "/v1/admin/lockouts", Admin),
    ("GET", "/v1/admin/lockouts/{email}", Admin),
    ("DELETE", "/v1/admin/lockouts/{email}", Admin),
    ("GET", "/v1/admin/users", Admin),
    ("PATCH", "/v1/admin/users/{id}", Admin),
    ("DELETE", "/v1/admin/users/{id}/sessions", Admin),
    ("GET", "/v1/analytics/sales", Staff),
    ("GET", "/v1/analytics/top-items", Staff),
    ("POST", "/v1/email-verifications", Anyone),
    ("GET", "/v1/me", SignedIn),
    ("PATCH", "/v1/me", SignedIn),
    ("POST", "/v1/me/email-verification", SignedIn),
    ("PUT", "/v1/me/password", SignedIn),
    ("GET", "/v1/me/sessions", SignedIn),
    ("DELETE", "/v1/me/sessions", SignedIn),
    ("DELETE", "/v1/me/sessions/{id}", SignedIn),
    ("GET", "/v1/kitchen/events", Staff),
    ("GET", "/v1/kitchen/stations", Staff),
    ("POST", "/v1/kitchen/stations", Staff),
    ("PATCH", "/v1/kitchen/stations/{id}", Staff),
    ("DELETE", "/v1/kitchen/stations/{id}", Staff),
    ("GET", "/v1/kitchen/tickets", Staff),
    ("POST", "/v1/kitchen/tickets/{id}/state", Staff),
    ("GET", "/v1/menu", Anyone),
    ("GET", "/v1/menu/items", Anyone),
    ("POST", "/v1/menu/items", Staff),
    ("GET", "/v1/menu/items/{id}", Anyone),
    ("PATCH", "/v1/menu/items/{id}", Staff),
    ("DELETE", "/v1/menu/items/{id}", Staff),
    ("POST", "/v1/menu/items/{id}/stock", Staff),
    ("PUT", "/v1/menu/items/{id}/option-groups", Staff),
    ("PUT", "/v1/menu/items/{id}/recipe", Staff),
    ("GET", "/v1/menu/option-groups", Anyone),
    ("POST", "/v1/menu/option-groups", Staff),
    ("GET", "/v1/menu/option-groups/{id}", Anyone),
    ("PATCH", "/v1/menu/option-groups/{id}", Staff),
    ("DELETE", "/v1/menu/option-groups/{id}", Staff),
    ("POST", "/v1/offline-gateway/intents/{intent}/pay", Anyone),
    ("GET", "/v1/orders", SignedIn),
    ("POST", "/v1/orders", SignedIn),
    ("POST", "/v1/orders/quote", SignedIn),
    ("GET", "/v1/orders/{id}", OwnOrStaff),
    ("POST", "/v1/orders/{id}/cancel", OwnOrStaff),
    ("GET", "/v1/orders/{id}/events", OwnOrStaff),
    ("POST", "/v1/orders/{id}/payments", Own),
    ("GET", "/v1/orders/{id}/payments/{payment_id}/refunds", Staff),
    ("POST", "/v1/orders/{id}/payments/{payment_id}/refunds", Staff),
    ("POST", "/v1/orders/{id}/payments/{payment_id}/settle", Staff),
    ("POST", "/v1/orders/{id}/status", Staff),
    ("POST", "/v1/password-resets", Anyone),
    ("PUT", "/v1/password-resets", Anyone),
    ("POST", "/v1/sessions", Anyone),
    ("DELETE", "/v1/sessions/current", SignedIn),
    ("POST", "/v1/sessions/refresh", Anyone),
    ("GET", "/v1/supplies", Staff),
    ("POST", "/v1/supplies", Staff),
    ("GET", "/v1/supplies/{id}", Staff),
    ("PATCH", "/v1/supplies/{id}", Staff),
    ("DELETE", "/v1/supplies/{id}", Staff),
    ("POST", "/v1/supplies/{id}/stock", Staff),
    ("POST", "/v1/users", Anyone),
    ("POST", "/v1/web/sessions", Anyone),
    ("DELETE", "/v1/web/sessions/current", SignedIn),
    ("POST", "/v1/webhooks/stripe", Anyone),
];

/// What is sent: enough for the server to have to decide who may. Without an entry, an empty object.
fn body(method: &str, path: &str) -> Value {
    match (method, path) {
        ("POST", "/v1/kitchen/stations") => json!({ "name": "Grill", "categories": [] }),
        (_, "/v1/kitchen/tickets/{id}/state") => json!({ "state": "ready" }),
        (_, "/v1/orders/{id}/payments") => json!({ "method": "counter" }),
        (_, "/v1/orders/{id}/status") => json!({ "status": "accepted" }),
        // Of the wrong type: a wrong token would be 401 for everybody.
        (_, "/v1/sessions/refresh") => json!({ "refresh_token": 7 }),
        (_, "/v1/admin/users/{id}") => json!({ "disabled": false }),
        ("DELETE", _) if path.starts_with("/v1/admin/") => json!({ "reason": "a test of access" }),
        _ => json!({}),
    }
}

/// Somebody else's order, a payment for it, and whatever else a path names.
struct Scene {
    app: TestApp,
    owner: Client,
    /// An account that admins change.
    bystander: Client,
    /// Other than the admin's who sets the scene: some routes end all sessions of the caller.
    admin_email: String,
    staff_email: String,
    customer_email: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    Anonymous,
    OtherCustomer,
    Staff,
    Admin,
}

impl Scene {
    async fn open() -> Self {
        let app = TestApp::open().await;
        let (staff_email, customer_email) = (app.account().await, app.account().await);
        let admin_email = app.account().await;
        for (email, role) in [(&staff_email, "staff"), (&admin_email, "admin")] {
            let appointed = app.anonymous().log_in(email, PASSWORD).await;
            let path = format!("/v1/admin/users/{}", appointed.id);
            Client::send(app.admin.request(Method::PATCH, &path).json(&json!({ "role": role }))).await.expect(200);
        }
        let (owner, bystander) = (app.customer().await, app.customer().await);
        Self { app, owner, bystander, admin_email, staff_email, customer_email }
    }

    /// Signed in anew, since some routes end the session.
    async fn client(&self, caller: Caller) -> Client {
        match caller {
            Caller::Anonymous => self.app.anonymous(),
            Caller::OtherCustomer => self.app.anonymous().log_in(&self.customer_email, PASSWORD).await,
            Caller::Staff => self.app.anonymous().log_in(&self.staff_email, PASSWORD).await,
            Caller::Admin => self.app.anonymous().log_in(&self.admin_email, PASSWORD).await,
        }
    }

    async fn call(&self, caller: Caller, method: &str, path: &str) -> Response {
        let mut address = path.to_owned();
        if path.starts_with("/v1/menu/items/{id}") {
            address = address.replace("{id}", &self.app.item(5).await.to_string());
        }
        if path.starts_with("/v1/orders/{id}") {
            let (owner, item) = (&self.owner, self.app.item(5).await);
            let order = owner.order(&[(item, 1)]).await.expect(201);
            let order = order["id"].as_str().unwrap();
            address = address.replace("{id}", order);
            if path.contains("{payment_id}") {
                let pay = json!({ "method": "counter" });
                let payment = owner.post(&format!("/v1/orders/{order}/payments"), &pay).await.expect(201);
                address = address.replace("{payment_id}", payment["id"].as_str().unwrap());
            }
        }
        let address = address
            .replace("{id}", &self.bystander.id.to_string())
            .replace("{name}", "menu-cache")
            .replace("{email}", "nobody@example.org")
            .replace("{version}/{file}", "any/comanda.css")
            .replace("{file}", "swagger-ui.css")
            .replace("{code}", "forbidden")
            .replace("{intent}", "pi_1");
        let client = self.client(caller).await;
        let request = client.request(Method::from_bytes(method.as_bytes()).unwrap(), &address);
        let request = if method == "GET" { request } else { request.json(&body(method, path)) };
        Client::send(request).await
    }
}

fn code(response: &Response) -> Option<String> {
    (response.status >= 400).then(|| response.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_lets_in_whom_it_says() {
    let scene = Scene::open().await;
    let document = scene.app.anonymous().get("/openapi.json").await.expect(200);
    let served: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let listed: BTreeSet<(String, String)> =
        ROUTES.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    let missing: Vec<_> = served.difference(&listed).collect();
    assert!(missing.is_empty(), "say in ROUTES who may call {missing:?}");
    let gone: Vec<_> = listed.difference(&served).collect();
    assert!(gone.is_empty(), "ROUTES lists what is not served: {gone:?}");
    assert_eq!(listed.len(), ROUTES.len(), "a route is listed twice");

    let mut wrong = Vec::new();
    for (method, path, guard) in ROUTES {
        for caller in [Caller::Anonymous, Caller::OtherCustomer, Caller::Staff, Caller::Admin] {
            let response = scene.call(caller, method, path).await;
            let code = code(&response);
            let refused = match (guard, caller) {
                (Anyone, _) => None,
                (_, Caller::Anonymous) => Some("unauthenticated"),
                (Own, _) | (OwnOrStaff, Caller::OtherCustomer) => Some("not-found"),
                (Staff | Admin, Caller::OtherCustomer) | (Admin, Caller::Staff) => Some("forbidden"),
                (SignedIn | OwnOrStaff | Staff | Admin, _) => None,
            };
            let as_expected = match (refused, code.as_deref()) {
                (Some(refused), code) => code == Some(refused),
                (None, Some("unauthenticated" | "session-revoked" | "forbidden")) => false,
                (None, code) => *guard != OwnOrStaff || code != Some("not-found"),
            };
            if !as_expected {
                wrong.push(format!("{method} {path} by {caller:?}: {} {code:?}", response.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_says_who_needs_credentials() {
    let app = TestApp::open().await;
    let document = app.anonymous().get("/openapi.json").await.expect(200);
    for (method, path, guard) in ROUTES {
        let operation = &document["paths"][path][method.to_lowercase()];
        let schemes = operation["security"].as_array();
        let schemes = schemes.unwrap_or_else(|| panic!("{method} {path} is listed, and not documented"));
        // An empty requirement: credentials may be left out.
        let optional = schemes.is_empty() || schemes.iter().any(|scheme| scheme == &json!({}));
        assert_eq!(optional, *guard == Anyone, "{method} {path}: {schemes:?}");
        let forbids = operation["responses"]["403"]["description"].as_str().unwrap_or_default().contains("`forbidden`");
        assert_eq!(forbids, matches!(guard, Staff | Admin), "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_customer_pays_and_sees_the_secret_of_the_payment() {
    let app = TestApp::with_servers(1, &[("MODE", "development"), ("PAYMENT_GATEWAY", "offline")]).await;
    let (item, customer) = (app.item(5).await, app.customer().await);
    let order = customer.order(&[(item, 1)]).await.expect(201);
    let path = format!("/v1/orders/{}/payments", order["id"].as_str().unwrap());
    let card = customer.post(&path, &json!({ "method": "card" })).await.expect(201);
    assert!(card["client_secret"].is_string());
    for method in ["card", "counter"] {
        let by_admin = app.admin.post(&path, &json!({ "method": method })).await;
        assert_eq!(by_admin.problem(), (404, "not-found".to_owned()), "{method}");
    }
    let again = customer.post(&path, &json!({ "method": "card" })).await.expect(201);
    assert_eq!((&again["id"], &again["status"]), (&card["id"], &card["status"]), "the payment goes on");
    // Whoever works here can order for themselves.
    let own = app.admin.order(&[(item, 1)]).await.expect(201);
    let own = format!("/v1/orders/{}/payments", own["id"].as_str().unwrap());
    app.admin.post(&own, &json!({ "method": "counter" })).await.expect(201);
    app.close().await;
}
