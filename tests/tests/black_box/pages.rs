//! The pages as browsers get them.

use comanda_tests::{Client, Response, TestApp};
use reqwest::Method;
use serde_json::json;

async fn page(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> Response {
    let request = app.anonymous().request(Method::GET, path);
    Client::send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

/// The addresses of what the page loads.
fn assets(html: &str) -> Vec<String> {
    let addresses = html.split('"').filter(|text| text.starts_with("/assets/"));
    addresses.map(ToOwned::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_for_customers_shows_the_menu_and_runs_nothing_but_its_own_scripts() {
    let app = TestApp::open().await;
    let item = json!({
        "name": "<img src=x onerror=alert(1)>", "category": "Pizza & Pasta", "stock": 3,
        "price": { "amount": 1250, "currency": "EUR" },
    });
    app.admin.post("/v1/menu/items", &item).await.expect(201);
    let shown = page(&app, "/", &[]).await;
    assert_eq!((shown.status, shown.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(!shown.text.contains("<img"), "{}", shown.text);
    assert!(shown.text.contains("Pizza &amp; Pasta") && shown.text.contains("€12.50"), "{}", shown.text);
    let policy = shown.header("content-security-policy").unwrap();
    for directive in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.split("; ").any(|stated| stated == directive), "{directive}: {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        let refused = Client::send(app.anonymous().request(method, "/")).await;
        assert_eq!(refused.problem(), (405, "method-not-allowed".to_owned()));
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_lets_stripe_in_where_customers_pay_there_with_it() {
    let settings = [
        ("MODE", "development"),
        ("PAYMENT_GATEWAY", "stripe"),
        ("STRIPE_SECRET_KEY", "sk_test_of_nobody"),
        ("STRIPE_PUBLISHABLE_KEY", "pk_test_of_nobody"),
        ("STRIPE_WEBHOOK_SECRETS", "whsec_of_the_endpoint"),
    ];
    let app = TestApp::with_servers(1, &settings).await;
    let shown = page(&app, "/", &[]).await;
    assert!(shown.text.contains("data-stripe-key=\"pk_test_of_nobody\""), "{}", shown.text);
    assert!(!shown.text.contains("stripe.com"), "before somebody pays by card, nothing comes from Stripe");
    let policy = shown.header("content-security-policy").unwrap();
    for directive in ["script-src 'self' https://js.stripe.com ", "connect-src 'self' https://api.stripe.com;"] {
        assert!(policy.contains(directive), "{directive}: {policy}");
    }
    let elsewhere = page(&app, "/problems", &[]).await;
    assert!(!elsewhere.header("content-security-policy").unwrap().contains("stripe"), "on no other page");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_in_the_language_of_the_browser_or_of_the_address() {
    let app = TestApp::open().await;
    for (path, accepted, language) in [
        ("/", "de-AT,de;q=0.9,en;q=0.8", "de"),
        ("/", "fr,en;q=0.5", "en"),
        ("/", "fr", "en"),
        ("/?lang=de", "en", "de"),
        ("/?lang=en&utm_source=x", "de", "en"),
        ("/?lang=xx", "de", "de"),
    ] {
        let shown = page(&app, path, &[("accept-language", accepted)]).await;
        assert!(shown.text.contains(&format!("<html lang=\"{language}\"")), "{path} {accepted}: {}", shown.text);
        assert_eq!(shown.header("content-language"), Some(language));
        assert!(shown.header("vary").unwrap().contains("accept-language"));
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_still_right_is_not_sent_again() {
    let app = TestApp::open().await;
    let first = page(&app, "/", &[]).await;
    let etag = first.header("etag").unwrap().to_owned();
    assert_eq!(first.header("cache-control"), Some("public, no-cache"));
    let again = page(&app, "/", &[("if-none-match", &etag)]).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    assert!(again.header("content-security-policy").unwrap().contains("script-src 'self'"), "kept with the page");
    let german = page(&app, "/?lang=de", &[("if-none-match", &etag)]).await;
    assert_eq!(german.status, 200, "another language is another page");
    app.item(5).await;
    assert_eq!(page(&app, "/", &[("if-none-match", &etag)]).await.status, 200, "the menu has changed");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_loads_is_kept_for_good_under_its_version() {
    let app = TestApp::open().await;
    let shown = page(&app, "/", &[]).await;
    let assets = assets(&shown.text);
    assert!(assets.iter().any(|asset| asset.ends_with("/comanda.css")), "{assets:?}");
    for asset in &assets {
        let response = page(&app, asset, &[]).await;
        assert_eq!(response.status, 200, "{asset}");
        assert_eq!(response.header("cache-control"), Some("public, max-age=31536000, immutable"), "{asset}");
        let content_type = response.header("content-type").unwrap();
        let expected =
            if asset.rsplit('.').next() == Some("js") { "text/javascript; charset=utf-8" } else { content_type };
        assert_eq!(content_type, expected, "{asset}");
        let compressed = page(&app, asset, &[("accept-encoding", "gzip")]).await;
        assert_eq!(compressed.header("content-encoding"), Some("gzip"), "{asset}");
    }
    let file = assets[0].rsplit('/').next().unwrap();
    let other = page(&app, &format!("/assets/another/{file}"), &[]).await;
    assert_eq!((other.status, other.header("cache-control")), (200, Some("no-store")));
    let nothing = page(&app, "/assets/another/nothing.js", &[]).await;
    assert_eq!(nothing.problem(), (404, "not-found".to_owned()));
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_the_staff_hold_no_data_and_are_the_same_for_everybody() {
    let app = TestApp::open().await;
    let before = [page(&app, "/kitchen", &[]).await, page(&app, "/office", &[]).await];
    let item = app.item(5).await;
    let customer = app.customer().await;
    customer.order(&[(item, 1)]).await.expect(201);
    for (path, before) in ["/kitchen", "/office"].into_iter().zip(before) {
        assert_eq!((before.status, before.header("content-type")), (200, Some("text/html; charset=utf-8")), "{path}");
        assert_eq!(before.header("cache-control"), Some("no-store"), "{path}");
        let policy = before.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert!(before.text.contains("id=\"staff-sign-in\""), "{path}: {}", before.text);
        for client in [&customer, &app.admin] {
            assert_eq!(client.get(path).await.text, before.text, "{path}");
        }
        let etag = before.header("etag").unwrap();
        assert_eq!(page(&app, path, &[("if-none-match", etag)]).await.status, 304, "{path}");
        let german = page(&app, path, &[("accept-language", "de")]).await;
        assert_eq!(german.header("content-language"), Some("de"), "{path}");
        assert!(german.text.contains("Als Personal anmelden"), "{path}");
        let head = Client::send(app.anonymous().request(Method::HEAD, path)).await;
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let refused = Client::send(app.anonymous().request(method, path)).await;
            assert_eq!(refused.header("allow"), Some("GET, HEAD, OPTIONS"), "{path}");
            assert_eq!(refused.problem(), (405, "method-not-allowed".to_owned()), "{path}");
        }
        for asset in assets(&before.text) {
            assert_eq!(page(&app, &asset, &[]).await.status, 200, "{asset}");
        }
    }
    app.close().await;
}
