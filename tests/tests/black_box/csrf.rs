use std::{
    io::{Read, Write},
    net::TcpListener,
    process::Command,
    thread,
    time::Duration,
};

use comanda_tests::{Client, PASSWORD, Response, TestApp};
use reqwest::Method;
use serde_json::json;

const ALLOWED: &str = "https://shop.example";
const FOREIGN: &str = "https://elsewhere.example";

/// A browser's session: the cookies it was given.
struct Browser {
    session: String,
    csrf: String,
}

async fn sign_in(app: &TestApp, email: &str) -> (Browser, Response) {
    let body = json!({ "email": email, "password": PASSWORD });
    let response = app.anonymous().post("/v1/web/sessions", &body).await;
    let cookies: Vec<&str> =
        response.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let value = |name: &str| {
        let cookie = cookies.iter().find(|cookie| cookie.starts_with(name)).expect("a cookie");
        cookie[name.len() + 1..].split(';').next().unwrap().to_owned()
    };
    (Browser { session: value("__Host-session"), csrf: value("__Host-csrf") }, response)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_cookies_and_no_token_and_signs_out() {
    let app = TestApp::with_servers(2, &[]).await;
    let email = app.account().await;
    let (browser, response) = sign_in(&app, &email).await;
    let body = response.expect(200);
    assert_eq!((&body["user"]["email"], &body["csrf_token"]), (&json!(email), &json!(browser.csrf)));
    assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
    let cookies: Vec<&str> =
        response.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    for (cookie, marks, not) in [
        (cookies[0], ["__Host-session=", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"], "Domain"),
        (cookies[1], ["__Host-csrf=", "Max-Age=43200", "Secure", "SameSite=Strict", "Path=/"], "HttpOnly"),
    ] {
        assert!(marks.iter().all(|mark| cookie.contains(mark)) && !cookie.contains(not), "{cookie}");
    }

    let cookie = format!("__Host-session={}; __Host-csrf={}", browser.session, browser.csrf);
    let send = |method: Method, path: &str, server: usize| {
        let client = app.anonymous().at(&app.servers[server].base_url);
        let request =
            client.request(method, path).header("cookie", &cookie).header("origin", &app.servers[server].base_url);
        Client::send(request.header("x-csrf-token", &browser.csrf))
    };
    assert_eq!(send(Method::GET, "/v1/me", 1).await.expect(200)["email"], json!(email));
    let bearer = app.anonymous().with_token(&browser.session);
    assert_eq!(bearer.get("/v1/me").await.code(), "unauthenticated", "the cookie's token is no bearer token");
    let out = send(Method::DELETE, "/v1/web/sessions/current", 0).await;
    assert_eq!(out.status, 204);
    let cleared: Vec<&str> = out.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(cleared.len() == 2 && cleared.iter().all(|cookie| cookie.contains("Max-Age=0")), "{cleared:?}");
    assert_eq!(send(Method::GET, "/v1/me", 0).await.code(), "unauthenticated");
    let begin = std::time::Instant::now();
    while send(Method::GET, "/v1/me", 1).await.status == 200 {
        assert!(begin.elapsed() < Duration::from_secs(1), "the other server does not hear of it");
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Credential {
    Cookie,
    Bearer,
    Both,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Right,
    Wrong,
    Missing,
    AnothersSession,
}

/// The headers by which a browser says where a request comes from: `Origin`, `Sec-Fetch-Site`, `Referer`, and
/// whether an unsafe request from there is allowed.
const SOURCES: [(&str, &str, &str, bool); 21] = [
    // `Origin` decides if it is sent, whatever the other headers say.
    ("same", "", "", true),
    ("same", "cross-site", "foreign", true),
    ("allowed", "", "", true),
    ("allowed", "cross-site", "allowed", true),
    ("foreign", "", "", false),
    ("foreign", "same-origin", "same", false),
    ("foreign", "none", "allowed", false),
    ("null", "", "", false),
    ("null", "same-origin", "same", false),
    ("null", "none", "", false),
    // Without it, `Sec-Fetch-Site` or `Referer` must be same-origin.
    ("", "same-origin", "", true),
    ("", "none", "", true),
    ("", "same-site", "", false),
    ("", "cross-site", "", false),
    ("", "", "same", true),
    ("", "", "allowed", true),
    ("", "", "foreign", false),
    ("", "", "nonsense", false),
    ("", "same-origin", "foreign", true),
    ("", "cross-site", "allowed", true),
    // Without any of them, the request is refused.
    ("", "", "", false),
];

fn expected(credential: Credential, may_come: bool, token: Token, safe: bool) -> (u16, &'static str) {
    match credential {
        Credential::None => (401, "unauthenticated"),
        Credential::Cookie if !safe && !may_come => (403, "invalid-origin"),
        Credential::Cookie if !safe && token != Token::Right => (403, "invalid-csrf-token"),
        // A bearer header takes precedence over cookies.
        Credential::Cookie | Credential::Bearer | Credential::Both => (200, ""),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_credential_the_source_and_the_token_decide() {
    let app = TestApp::with_servers(1, &[("CORS_ORIGINS", ALLOWED)]).await;
    let email = app.account().await;
    let (browser, _) = sign_in(&app, &email).await;
    let (another, _) = sign_in(&app, &email).await;
    let bearer = app.anonymous().log_in(&email, PASSWORD).await;
    let here = app.servers[0].base_url.clone();
    let place = |name: &str| match name {
        "same" => here.clone(),
        "allowed" => ALLOWED.to_owned(),
        "foreign" => FOREIGN.to_owned(),
        other => other.to_owned(),
    };
    let mut cells = 0;
    for credential in [Credential::Cookie, Credential::Bearer, Credential::Both, Credential::None] {
        for (origin, fetch_site, referer, may_come) in SOURCES {
            for token in [Token::Right, Token::Wrong, Token::Missing, Token::AnothersSession] {
                for method in [Method::GET, Method::PATCH] {
                    let client = match credential {
                        Credential::Bearer | Credential::Both => bearer.clone(),
                        Credential::Cookie | Credential::None => app.anonymous(),
                    };
                    let mut request = client.request(method.clone(), "/v1/me");
                    if method == Method::PATCH {
                        request = request.json(&json!({ "name": "Ana" }));
                    }
                    // A page that does not know the token still makes the browser send the cookie.
                    let (in_cookie, in_header) = match token {
                        Token::Right => (browser.csrf.clone(), Some(browser.csrf.clone())),
                        Token::Wrong => (browser.csrf.clone(), Some(format!("{}x", browser.csrf))),
                        Token::Missing => (browser.csrf.clone(), None),
                        Token::AnothersSession => (another.csrf.clone(), Some(another.csrf.clone())),
                    };
                    if matches!(credential, Credential::Cookie | Credential::Both) {
                        let cookies = format!("__Host-session={}; __Host-csrf={in_cookie}", browser.session);
                        request = request.header("cookie", cookies);
                    }
                    if let Some(token) = in_header {
                        request = request.header("x-csrf-token", token);
                    }
                    for (name, value) in [
                        ("origin", place(origin)),
                        ("sec-fetch-site", fetch_site.to_owned()),
                        (
                            "referer",
                            if referer.is_empty() { String::new() } else { format!("{}/page?x", place(referer)) },
                        ),
                    ] {
                        if !value.is_empty() {
                            request = request.header(name, value);
                        }
                    }
                    let response = Client::send(request).await;
                    let code = if response.status == 200 { String::new() } else { response.code() };
                    let (status, problem) = expected(credential, may_come, token, method == Method::GET);
                    let cell = format!("{credential:?} {method} {origin:?} {fetch_site:?} {referer:?} {token:?}");
                    assert_eq!((response.status, code.as_str()), (status, problem), "{cell}");
                    cells += 1;
                }
            }
        }
    }
    assert_eq!(cells, 4 * 21 * 4 * 2);
}

/// Sign-in CSRF: another page's form would sign the visitor in as somebody else. Nothing but a browser sends these
/// headers.
#[tokio::test(flavor = "multi_thread")]
async fn no_other_page_signs_a_browser_in() {
    let app = TestApp::with_servers(1, &[("CORS_ORIGINS", "https://shop.example")]).await;
    let credentials = json!({ "email": app.account().await, "password": PASSWORD });
    let own = app.servers[0].base_url.clone();
    let cases: [(&[(&str, &str)], bool); 10] = [
        (&[], true),
        (&[("origin", &own)], true),
        (&[("origin", "https://shop.example")], true),
        (&[("origin", "https://elsewhere.example")], false),
        (&[("origin", "https://elsewhere.example"), ("sec-fetch-site", "same-origin")], false),
        (&[("origin", "null")], false),
        (&[("sec-fetch-site", "same-origin")], true),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("referer", "https://elsewhere.example/form")], false),
    ];
    for (headers, admitted) in cases {
        let request = app.anonymous().request(Method::POST, "/v1/web/sessions").json(&credentials);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = Client::send(request).await;
        if admitted {
            response.expect(200);
        } else {
            assert_eq!(response.problem(), (403, "invalid-origin".to_owned()), "{headers:?}");
            assert!(!response.headers.contains_key("set-cookie"), "{headers:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_are_insecure_only_by_setting() {
    let app = TestApp::with_servers(1, &[("MODE", "development"), ("INSECURE_COOKIES", "true")]).await;
    let email = app.account().await;
    let response = app.anonymous().post("/v1/web/sessions", &json!({ "email": email, "password": PASSWORD })).await;
    let cookies: Vec<&str> =
        response.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(cookies[0].starts_with("session=") && cookies[1].starts_with("csrf="), "{cookies:?}");
    assert!(cookies.iter().all(|cookie| !cookie.contains("Secure")), "{cookies:?}");
}

/// Serves one page to every request, and sets these cookies.
fn serve_page(page: &str, cookies: &[String]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let cookies: Vec<String> = cookies.iter().map(|cookie| format!("set-cookie: {cookie}; Path=/\r\n")).collect();
    let cookies = cookies.concat();
    let length = page.len();
    let response = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n{cookies}content-length: {length}\r\n\
         connection: close\r\n\r\n{page}"
    );
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { break };
            let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let _ = stream.read(&mut [0; 8192]);
            let _ = stream.write_all(response.as_bytes());
        }
    });
    port
}

/// A page of another origin on the same host. To a browser it is the same site, so even strict cookies are sent along.
/// It submits a form as soon as it is opened.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_page_in_a_real_browser_cannot_act_for_whoever_is_signed_in() {
    let app = TestApp::with_servers(1, &[("MODE", "development"), ("INSECURE_COOKIES", "true")]).await;
    let (email, item) = (app.account().await, app.item(5).await);
    let customer = app.anonymous().log_in(&email, PASSWORD).await;
    let order = customer.order(&[(item, 2)]).await.expect(201);
    let path = format!("/v1/orders/{}", order["id"].as_str().unwrap());

    let response = app.anonymous().post("/v1/web/sessions", &json!({ "email": email, "password": PASSWORD })).await;
    let cookies: Vec<String> = response
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned())
        .collect();
    let target = format!("{}{path}/cancel", app.servers[0].base_url);
    let page = format!(
        "<form method=post enctype=text/plain action={target}></form><script>document.forms[0].submit()</script>"
    );
    let port = serve_page(&page, &cookies);

    let profile = std::env::temp_dir().join(format!("comanda-chromium-{}", uuid::Uuid::now_v7()));
    let browser = Command::new(std::env::var("TEST_CHROMIUM").expect("run the tests by `cargo xtask test`"))
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(["--virtual-time-budget=5000", "--timeout=20000", "--dump-dom"])
        .arg(format!("http://127.0.0.1:{port}/"))
        .output()
        .unwrap();
    let _ = std::fs::remove_dir_all(&profile);
    let shown = String::from_utf8_lossy(&browser.stdout);
    // Not "unauthenticated": the browser did send the session cookie, and the request was refused all the same.
    assert!(shown.contains("invalid-origin"), "{shown}\n{}", String::from_utf8_lossy(&browser.stderr));
    assert_eq!(customer.get(&path).await.expect(200)["status"], "pending");
    assert_eq!(app.stock(item).await, 3);
}
