//! What HTTP says of methods, bodies, forms and entity tags, for every operation of the OpenAPI document.

use std::collections::BTreeSet;

use comanda_tests::{Client, Response, TestApp};
use reqwest::{
    Method, RequestBuilder,
    header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, IF_MATCH},
};
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use uuid::Uuid;

use crate::openapi::{Document, Operation};

/// Whoever sees everything, and what paths name.
struct Scene {
    app: TestApp,
    document: Document,
    item: Uuid,
    order: Uuid,
}

impl Scene {
    async fn open() -> Self {
        let settings =
            [("CORS_ORIGINS", "https://shop.example"), ("MODE", "development"), ("PAYMENT_GATEWAY", "offline")];
        let app = TestApp::with_servers(1, &settings).await;
        let document = Document::of(&app).await;
        let item = app.item(100).await;
        let order = app.admin.order(&[(item, 1)]).await.expect(201);
        let order = order["id"].as_str().unwrap().parse().unwrap();
        Self { app, document, item, order }
    }

    fn address(&self, path: &str) -> String {
        let id = match path {
            _ if path.starts_with("/v1/orders/") => self.order.to_string(),
            _ if path.starts_with("/v1/admin/dead-letters/") => "1".to_owned(),
            _ => self.item.to_string(),
        };
        path.replace("{id}", &id)
            .replace("{payment_id}", &Uuid::now_v7().to_string())
            .replace("{name}", "menu-cache.partial-invalidation")
            .replace("{email}", "nobody@example.org")
            .replace("{version}/{file}", "any/comanda.css")
            .replace("{file}", "swagger-ui.css")
            .replace("{code}", "forbidden")
            .replace("{intent}", "pi_1")
    }

    fn request(&self, operation: &Operation) -> RequestBuilder {
        let address = self.address(&operation.path);
        let request = self.app.admin.request(operation.method.clone(), &address);
        request.header("if-match", "\"1\"").header("origin", self.app.admin.base_url())
    }

    async fn send_body(&self, operation: &Operation, body: &Value) -> Response {
        Client::send(self.request(operation).json(body)).await
    }
}

/// Pointers to every object in a value, itself included.
fn objects(value: &Value, pointer: &str) -> Vec<String> {
    let within: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, member)| (format!("{pointer}/{name}"), member)).collect(),
        Value::Array(entries) => {
            entries.iter().enumerate().map(|(index, entry)| (format!("{pointer}/{index}"), entry)).collect()
        }
        _ => Vec::new(),
    };
    let own = value.is_object().then(|| pointer.to_owned());
    own.into_iter().chain(within.into_iter().flat_map(|(pointer, value)| objects(value, &pointer))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_no_object_in_any_request() {
    let scene = Scene::open().await;
    let (mut bodies, mut lists) = (0, 0);
    for operation in scene.document.operations() {
        let Some(example) = scene.document.example_body(&operation) else { continue };
        bodies += 1;
        for pointer in objects(&example, "") {
            lists += 1;
            let mut body = example.clone();
            let object = body.pointer_mut(&pointer).unwrap();
            *object = object.as_object().unwrap().values().cloned().collect();
            let response = scene.send_body(&operation, &body).await;
            assert_eq!(response.problem(), (400, "invalid-request".to_owned()), "{operation} {body}");
            if operation.path != "/v1/webhooks/stripe" {
                assert_eq!(response.pointers(), [pointer], "{operation} {body}: {}", response.text);
            }
        }
    }
    assert!(bodies > 20 && lists > bodies + 3, "{bodies} bodies with {lists} objects");
    scene.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_compressed_or_not_in_utf8_is_refused_everywhere() {
    let scene = Scene::open().await;
    for operation in scene.document.operations() {
        let Some(example) = scene.document.example_body(&operation) else { continue };
        let body = example.to_string();
        for (media_type, coding) in [
            ("application/json", "gzip"),
            ("application/json", "br"),
            ("application/json", "x-unknown"),
            ("application/json", "identity, deflate"),
            ("application/json; charset=iso-8859-1", "identity"),
        ] {
            let request = scene.request(&operation).header(CONTENT_TYPE, media_type).header(CONTENT_ENCODING, coding);
            let response = Client::send(request.body(body.clone())).await;
            let expected = (415, "unsupported-media-type".to_owned());
            assert_eq!(response.problem(), expected, "{operation} {media_type} {coding}");
            // RFC 9110, section 12.5.3: only if the coding is what was wrong.
            let understood = (coding != "identity").then_some("identity");
            assert_eq!(response.header("accept-encoding"), understood, "{operation} {media_type} {coding}");
        }
        let json = "application/json; charset=\"UTF-8\"";
        let request = scene.request(&operation).header(CONTENT_TYPE, json).header(CONTENT_ENCODING, "identity");
        assert_ne!(Client::send(request.body("{")).await.status, 415, "{operation}");
    }
    // Nobody reads the body of others, but what it is would have to be known all the same.
    let mut bodiless = 0;
    for operation in scene.document.operations() {
        if scene.document.example_body(&operation).is_some() {
            continue;
        }
        bodiless += 1;
        let response = Client::send(scene.request(&operation).header(CONTENT_ENCODING, "gzip").body("x")).await;
        assert_eq!(response.problem(), (415, "unsupported-media-type".to_owned()), "{operation}");
        assert_eq!(response.header("accept-encoding"), Some("identity"), "{operation}");
        let documented = &operation.content["responses"]["415"]["headers"]["Accept-Encoding"];
        assert!(documented.is_object(), "{operation}");
        let response = Client::send(scene.request(&operation).header(CONTENT_ENCODING, "gzip")).await;
        assert_ne!(response.status, 415, "{operation}: there is no body");
    }
    assert!(bodiless > 20, "{bodiless}");
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_get_without_the_body_everywhere() {
    let metrics = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let app = TestApp::with_servers(1, &[("METRICS_ADDR", &metrics)]).await;
    let document = Document::of(&app).await;
    let item = app.item(100).await;
    let order = app.admin.order(&[(item, 1)]).await.expect(201);
    let scene = Scene { order: order["id"].as_str().unwrap().parse().unwrap(), app, document, item };
    let gets = scene.document.operations().into_iter().filter(|operation| operation.method == Method::GET);
    let mut found = 0;
    for get in gets {
        let head = Operation { method: Method::HEAD, ..get.clone() };
        let (got, head) = (Client::send(scene.request(&get)).await, Client::send(scene.request(&head)).await);
        assert_eq!((head.status, head.text.as_str()), (got.status, ""), "{get}");
        assert_ne!(got.status, 405, "{get}");
        found += usize::from(got.status == 200);
        // A stream has no length.
        let streams = got.header("content-type") == Some("text/event-stream");
        let names = |response: &Response| -> BTreeSet<String> {
            let names = response.headers.keys().map(|name| name.as_str().to_owned());
            names.filter(|name| !streams || name != "transfer-encoding").collect()
        };
        assert_eq!(names(&head), names(&got), "{get}");
        for (name, value) in &got.headers {
            // A worker may have finished a piece of work in between.
            if !["date", "x-request-id", "content-length", "transfer-encoding"].contains(&name.as_str()) {
                assert_eq!(head.headers.get(name), Some(value), "{get} {name}");
            }
        }
        if streams {
            continue;
        }
        let length: usize = head.header("content-length").unwrap_or_else(|| panic!("{get}: {head:?}")).parse().unwrap();
        assert!(get.path == "/health/ready" || length == got.text.len(), "{get}: {length} bytes");
    }
    assert!(found > 15, "{found} pages");

    let nothing = Client::send(scene.app.anonymous().request(Method::HEAD, "/v1/nothing")).await;
    assert_eq!((nothing.status, nothing.text.as_str()), (404, ""));
    let refused = Client::send(scene.app.anonymous().request(Method::HEAD, "/v1/me")).await;
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer")));
    let known = scene.app.anonymous().get("/v1/menu").await;
    let unchanged = scene.app.anonymous().request(Method::HEAD, "/v1/menu");
    let unchanged = unchanged.header("if-none-match", known.header("etag").unwrap());
    assert_eq!(Client::send(unchanged).await.status, 304);

    let metrics = Client::anonymous(&format!("http://{metrics}"));
    let head = Client::send(metrics.request(Method::HEAD, "/metrics")).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    let got = metrics.get("/metrics").await;
    assert!(got.text.contains("comanda_handler_panics_total 0"), "{}", got.text);
    assert_eq!(got.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let options = Client::send(metrics.request(Method::OPTIONS, "/metrics")).await;
    assert_eq!((options.status, options.text.as_str(), options.header("allow")), (204, "", Some("GET, HEAD, OPTIONS")));
    let refused = Client::send(metrics.request(Method::POST, "/metrics")).await;
    assert_eq!(
        (refused.problem(), refused.header("allow")),
        ((405, "method-not-allowed".to_owned()), Some("GET, HEAD, OPTIONS"))
    );
    assert_eq!(metrics.get("/").await.problem(), (404, "not-found".to_owned()));
    scene.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn options_and_405_list_the_methods_of_every_path() {
    let scene = Scene::open().await;
    for (path, methods) in scene.document.paths() {
        let address = scene.address(&path);
        let mut expected: BTreeSet<String> = methods.iter().map(Method::to_string).collect();
        expected.extend(methods.contains(&Method::GET).then(|| "HEAD".to_owned()));
        expected.insert("OPTIONS".to_owned());
        let allowed = |response: &Response| -> BTreeSet<String> {
            response.header("allow").unwrap_or_default().split(", ").map(str::to_owned).collect()
        };
        for client in [&scene.app.admin, &scene.app.anonymous()] {
            let options = Client::send(client.request(Method::OPTIONS, &address)).await;
            assert_eq!((options.status, options.text.as_str()), (204, ""), "{path}");
            assert_eq!(allowed(&options), expected, "{path}");
            assert!(options.header("x-request-id").is_some());
        }
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::TRACE] {
            if methods.contains(&method) {
                continue;
            }
            let response = Client::send(scene.app.admin.request(method.clone(), &address)).await;
            assert_eq!(response.problem(), (405, "method-not-allowed".to_owned()), "{method} {path}");
            assert_eq!(allowed(&response), expected, "{method} {path}");
        }
        for method in &methods {
            let headers = "authorization,content-type,idempotency-key,if-match";
            let preflight = preflight(&scene, &address, "https://shop.example", method.as_str(), headers).await;
            assert_eq!(preflight.status, 204, "{method} {path}");
            assert_eq!(preflight.header("access-control-allow-origin"), Some("https://shop.example"));
            assert!(preflight.header("access-control-allow-methods").unwrap().contains(method.as_str()));
            assert_eq!(allowed(&preflight), expected, "{method} {path}");
        }
        // Whoever may not go on sees no header that would let them.
        for (origin, method, header) in [
            ("https://other.example", "GET", "authorization"),
            ("https://shop.example", "TRACE", "authorization"),
            ("https://shop.example", "GET", "x-other"),
        ] {
            let refused = preflight(&scene, &address, origin, method, header).await;
            assert_eq!((refused.status, refused.text.as_str()), (204, ""), "{origin} {method} {header} {path}");
            assert_eq!(allowed(&refused), expected, "{path}");
            assert_eq!(refused.header("access-control-allow-methods"), None, "{path}");
            assert_eq!(refused.header("access-control-allow-origin"), None, "{path}");
        }
    }
    let nothing = Client::send(scene.app.admin.request(Method::OPTIONS, "/v1/nothing")).await;
    assert_eq!(nothing.problem(), (404, "not-found".to_owned()));
    for origin in ["https://shop.example", "https://other.example"] {
        let nothing = preflight(&scene, "/v1/nothing", origin, "GET", "authorization").await;
        assert_eq!(nothing.problem(), (404, "not-found".to_owned()), "{origin}");
    }
}

async fn preflight(scene: &Scene, address: &str, origin: &str, method: &str, header: &str) -> Response {
    let request = scene.app.anonymous().request(Method::OPTIONS, address);
    let request = request.header("origin", origin).header("access-control-request-method", method);
    Client::send(request.header("access-control-request-headers", header)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn null_in_a_patch_is_a_violation_of_every_field() {
    let scene = Scene::open().await;
    let patches = scene.document.operations().into_iter().filter(|operation| operation.method == Method::PATCH);
    let mut within = 0;
    for patch in patches {
        let example = scene.document.example_body(&patch).unwrap();
        let members = example.as_object().unwrap();
        for name in members.keys() {
            if scene.document.may_be_null(&patch, &format!("/{name}")) {
                continue;
            }
            let response = scene.send_body(&patch, &json!({ name: null })).await;
            assert_eq!(response.problem(), (422, "validation-failed".to_owned()), "{patch} {name}");
            assert_eq!(response.pointers(), [format!("/{name}")], "{patch}");
        }
        let nulls: Map<String, Value> = members.keys().map(|name| (name.clone(), Value::Null)).collect();
        let all = scene.send_body(&patch, &Value::Object(nulls)).await;
        let refused = members.keys().filter(|name| !scene.document.may_be_null(&patch, &format!("/{name}"))).count();
        assert_eq!((all.status, all.pointers().len()), (422, refused), "{patch}: {}", all.text);
        // Within a member too.
        for pointer in objects(&example, "").iter().filter(|pointer| !pointer.is_empty()) {
            for name in example.pointer(pointer).unwrap().as_object().unwrap().keys() {
                if scene.document.may_be_null(&patch, &format!("{pointer}/{name}")) {
                    continue;
                }
                within += 1;
                let mut body = example.clone();
                body.pointer_mut(pointer).unwrap()[name] = Value::Null;
                let response = scene.send_body(&patch, &body).await;
                assert_eq!(response.problem(), (422, "validation-failed".to_owned()), "{patch} {pointer} {name}");
                assert!(response.pointers().contains(&format!("{pointer}/{name}")), "{patch}: {}", response.text);
            }
        }
    }
    assert!(within >= 2, "amount and currency of a price");
    let item = format!("/v1/menu/items/{}", scene.item);
    let kept = scene.app.admin.get(&item).await.expect(200);
    assert_eq!(kept["revision"], 1, "nothing was changed: {kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_exact_entity_tag_is_the_current_one() {
    let scene = Scene::open().await;
    let path = format!("/v1/menu/items/{}", scene.item);
    let client = &scene.app.admin;
    for other in ["\"+1\"", "\"01\"", "\"1.0\"", "W/\"1\"", "\"4294967297\"", "\"\"", "\"2\", \"3\"", "\"1,1\""] {
        let response = client.patch(&path, other, &json!({ "active": true })).await;
        assert_eq!(response.problem(), (412, "precondition-failed".to_owned()), "{other}");
        let response = client.delete(&path, other).await;
        assert_eq!(response.problem(), (412, "precondition-failed".to_owned()), "{other}");
    }
    let beyond_ascii = HeaderValue::from_bytes("\"é\"".as_bytes()).unwrap();
    let response = Client::send(client.request(Method::DELETE, &path).header(IF_MATCH, beyond_ascii)).await;
    assert_eq!(response.problem(), (412, "precondition-failed".to_owned()), "a tag may hold any letters");
    for malformed in ["1", "\"1", "\"1 \"", "\" 1\"", "\"1\", oops"] {
        let response = client.patch(&path, malformed, &json!({})).await;
        assert_eq!(response.problem(), (400, "invalid-request".to_owned()), "{malformed}");
    }
    let menu = client.get("/v1/menu").await;
    let tag = menu.header("etag").unwrap().to_owned();
    let with = |known: String| Client::send(client.request(Method::GET, "/v1/menu").header("if-none-match", known));
    for known in [tag.clone(), format!("W/{tag}"), format!("\"x,y\", {tag}"), "*".to_owned()] {
        assert_eq!(with(known.clone()).await.status, 304, "{known}");
    }
    for other in [tag.to_lowercase(), tag.replacen('"', "\" ", 1), tag.trim_matches('"').to_owned(), "\"x\"".to_owned()]
    {
        assert_eq!(with(other.clone()).await.status, 200, "{other}");
    }
}

/// The ends of what chrono, RFC 3339 and PostgreSQL know.
const FAR_DATES: &[&str] = &[
    "-262143-01-01",
    "-262143-01-05",
    "-262142-12-31",
    "+262142-12-31",
    "+262142-12-30",
    "+262143-01-01",
    "-9999-01-01",
    "-4714-11-24",
    "-4713-01-01",
    "-0001-12-31",
    "0000-01-01",
    "0000-01-01T00:00:00Z",
    "0000-01-01T00:00:00+23:59",
    "0000-12-31T23:59:59-23:59",
    "0001-01-01",
    "9999-12-31",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-23:59",
    "10000-01-01",
    "+10000-01-01",
    "+294276-12-31",
    "+294277-01-09",
    "2026-12-31T23:59:60Z",
    "2026-01-31T18:30:00.999999999999Z",
];

#[tokio::test(flavor = "multi_thread")]
async fn far_dates_get_a_response_that_is_no_failure() {
    let app = TestApp::open().await;
    let mut fine = 0;
    let zones = ["", "&tz=UTC", "&tz=Asia/Kolkata", "&tz=America/New_York", "&tz=Pacific/Apia", "&tz=Africa/Monrovia"];
    for report in ["sales", "top-items"] {
        for zone in zones.iter().filter(|zone| report == "sales" || zone.is_empty()) {
            for date in FAR_DATES {
                let date = date.replace('+', "%2B");
                for query in [
                    format!("from={date}"),
                    format!("to={date}"),
                    format!("from={date}&to={date}"),
                    format!("from=2026-01-01&to={date}"),
                    format!("from={date}&to=2026-01-01"),
                ] {
                    let response = app.admin.get(&format!("/v1/analytics/{report}?{query}{zone}")).await;
                    fine += usize::from(response.status == 200);
                    let refused = [(400, "invalid-request"), (422, "validation-failed")];
                    let is_refused = |response: &Response| refused.contains(&(response.status, &*response.code()));
                    assert!(response.status == 200 || is_refused(&response), "{query}{zone}: {}", response.text);
                }
            }
        }
    }
    assert!(fine > 20, "{fine}");
    let beyond = app.admin.get("/v1/analytics/sales?from=-9999-01-01&to=%2B262142-12-31").await;
    assert_eq!(beyond.problem(), (422, "validation-failed".to_owned()));
    assert_eq!(beyond.pointers(), ["/to", "/from"], "{}", beyond.text);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_zones_are_found_in_any_case() {
    let app = TestApp::open().await;
    let report = async |zone: &str| {
        let zone = zone.replace('+', "%2B");
        app.admin.get(&format!("/v1/analytics/sales?from=2026-03-28&to=2026-03-31&tz={zone}")).await
    };
    for (zone, others) in [
        ("Europe/Berlin", ["europe/berlin", "EUROPE/BERLIN"]),
        ("America/Argentina/Buenos_Aires", ["america/argentina/buenos_aires", "AMERICA/argentina/Buenos_aires"]),
        ("Etc/GMT+3", ["etc/gmt+3", "ETC/GMT+3"]),
        ("UTC", ["utc", "Utc"]),
    ] {
        let expected = report(zone).await.expect(200);
        for other in others {
            assert_eq!(report(other).await.expect(200), expected, "{other}");
        }
    }
    for unknown in ["", "Europe", "Europe/Berlin/", "europe/berlın", "Mars/Olympus"] {
        assert_eq!(report(unknown).await.pointers(), ["/tz"], "{unknown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_comes_in_the_form_that_weighs_most() {
    let app = TestApp::open().await;
    for path in ["/v1/analytics/sales", "/v1/analytics/top-items"] {
        for (accept, csv) in [
            ("text/csv", true),
            ("text/*", true),
            ("text/csv;q=0.5, application/json;q=0.4", true),
            ("text/csv;q=0.4, application/json;q=0.5", false),
            ("text/csv;q=0, */*", false),
            ("application/json;q=0, */*;q=0.1", true),
            ("*/*", false),
            ("image/png", false),
        ] {
            let response = Client::send(app.admin.request(Method::GET, path).header(ACCEPT, accept)).await;
            assert_eq!(response.status, 200, "{accept}");
            let is_csv = response.header("content-type").unwrap().starts_with("text/csv");
            assert_eq!(is_csv, csv, "{path} {accept}");
            assert_eq!(response.header("vary"), Some("accept"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_has_an_address_and_every_problem_a_page() {
    let app = TestApp::open().await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let redirect = client.get(format!("{}/docs", app.anonymous().base_url())).send().await.unwrap();
    assert_eq!((redirect.status().as_u16(), redirect.headers()["location"].to_str().unwrap()), (308, "/docs/"));
    let page = app.anonymous().get("/docs/").await;
    assert!(page.status == 200 && page.text.contains("swagger-ui"), "{}", page.text);

    let index = app.anonymous().get("/problems").await;
    assert_eq!((index.status, index.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let document = app.anonymous().get("/openapi.json").await.expect(200);
    let codes = document["components"]["schemas"]["ProblemCode"]["enum"].as_array().unwrap();
    assert!(codes.len() > 25, "{codes:?}");
    for code in codes {
        let code = code.as_str().unwrap();
        assert!(index.text.contains(&format!("href=\"/problems/{code}\"")), "{code}");
        let page = app.anonymous().get(&format!("/problems/{code}")).await;
        assert!(page.status == 200 && page.text.contains(code), "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_megabyte_gets_a_problem() {
    let app = TestApp::open().await;
    let event = json!({ "id": "evt_1", "type": "customer.created", "data": { "object": "x".repeat(1_000_000) } });
    let sent = || app.anonymous().request(Method::POST, "/v1/webhooks/stripe").header("stripe-signature", "t=1,v1=00");
    let whole = Client::send(sent().json(&event)).await;
    assert_eq!(whole.problem(), (413, "payload-too-large".to_owned()));
    // Of a length that is not announced.
    let (mut receiving, mut sending) = TcpStream::connect(&app.servers[0].address).await.unwrap().into_split();
    let head = "POST /v1/webhooks/stripe HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n";
    let sending = tokio::spawn(async move {
        sending.write_all(head.as_bytes()).await.unwrap();
        let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
        for _ in 0..64 {
            // The server may have closed its side by then.
            if sending.write_all(chunk.as_bytes()).await.is_err() {
                break;
            }
        }
        sending
    });
    let mut response = String::new();
    while !response.ends_with('}') {
        let mut bytes = [0; 4096];
        let read = receiving.read(&mut bytes).await.unwrap();
        assert!(read > 0, "{response}");
        response.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
    }
    assert!(response.starts_with("HTTP/1.1 413 ") && response.contains("payload-too-large"), "{response}");
    drop(sending.await.unwrap());
    app.close().await;
}
