use comanda_tests::{Client, Response, TestApp};
use reqwest::Method;
use serde_json::json;

fn assert_dressed(response: &Response) {
    for (name, expected) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ] {
        assert_eq!(response.header(name), Some(expected), "{name}: {response:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_response_has_the_headers_that_browsers_go_by() {
    let app = TestApp::open().await;
    let customer = app.anonymous();
    let pages = ["/", "/kitchen", "/office", "/docs/", "/docs/swagger-ui.css", "/openapi.json", "/problems"];
    for path in pages.into_iter().chain(["/v1/menu", "/v1/me", "/v1/nothing"]) {
        let response = customer.get(path).await;
        assert_dressed(&response);
        assert_eq!(response.header("strict-transport-security"), Some("max-age=31536000"), "{path}");
    }
    assert_dressed(&customer.post_text("/v1/users", "{").await);
    let page = customer.get("/docs/").await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    for file in ["swagger-ui.css", "swagger-ui-bundle.js"] {
        let response = customer.get(&format!("/docs/{file}")).await;
        assert!(response.header("content-type").unwrap().ends_with("; charset=utf-8"), "{file}: {response:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_are_bound_to_https_where_there_is_https() {
    let insecure = [("MODE", "development"), ("INSECURE_COOKIES", "true"), ("TRUSTED_PROXIES", "127.0.0.0/8")];
    let app = TestApp::with_servers(1, &insecure).await;
    let with = |scheme: Option<&'static str>| {
        let request = app.anonymous().request(Method::GET, "/v1/menu");
        Client::send(match scheme {
            Some(scheme) => request.header("x-forwarded-proto", scheme),
            None => request,
        })
    };
    for (scheme, expected) in [(None, None), (Some("http"), None), (Some("https"), Some("max-age=31536000"))] {
        assert_eq!(with(scheme).await.header("strict-transport-security"), expected, "{scheme:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documentation_can_be_switched_off() {
    let app = TestApp::with_servers(1, &[("SERVE_DOCS", "false")]).await;
    for path in ["/docs", "/docs/", "/docs/swagger-ui.css", "/docs/index.html", "/openapi.json"] {
        assert_eq!(app.anonymous().get(path).await.problem(), (404, "not-found".to_owned()), "{path}");
    }
    assert_eq!(app.anonymous().get("/problems/forbidden").await.status, 200, "problems stay explained");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_menu_item_that_looks_like_a_formula_is_a_text_in_reports() {
    let app = TestApp::open().await;
    let item = json!({
        "name": "=HYPERLINK(\"https://evil.example\")", "category": "Tests", "stock": 5,
        "price": { "amount": 990, "currency": "EUR" },
    });
    let item = app.admin.post("/v1/menu/items", &item).await.expect(201);
    app.customer().await.order(&[(item["id"].as_str().unwrap().parse().unwrap(), 1)]).await.expect(201);
    let report = app.admin.request(Method::GET, "/v1/analytics/top-items").header("accept", "text/csv");
    let report = Client::send(report).await;
    assert!(report.text.contains(",\"'=HYPERLINK(\"\"https://evil.example\"\")\","), "{}", report.text);
    assert!(report.text.contains(",9.90,EUR"), "numbers stay numbers: {}", report.text);
    let exported = app.comanda(&["menu", "export"]);
    let exported = String::from_utf8(exported.stdout).unwrap();
    assert!(exported.contains("'=HYPERLINK"), "{exported}");
}
