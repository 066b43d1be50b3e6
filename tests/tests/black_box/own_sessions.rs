//! Sessions as their owners see and end them, how browsers' sessions go on, and what is deleted.

use std::time::{Duration, Instant};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use comanda_tests::{Client, PASSWORD, Response, TestApp, signing_key};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

async fn delete(client: &Client, path: &str) -> Response {
    Client::send(client.request(Method::DELETE, path)).await
}

async fn sessions_of(client: &Client) -> Vec<Value> {
    client.get("/v1/me/sessions").await.expect(200)["data"].as_array().unwrap().clone()
}

fn id(session: &Value) -> &str {
    session["id"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_sees_their_sessions_and_ends_them() {
    let app = TestApp::with_servers(1, &[("TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let (email, anonymous) = (app.account().await, app.anonymous());
    let body = json!({ "email": email, "password": PASSWORD });
    let request = anonymous.request(Method::POST, "/v1/sessions").json(&body);
    let request = request.header("x-forwarded-for", "198.51.100.77").header("user-agent", "Till 7 (kitchen)");
    let till = Client::send(request).await.expect(200);
    let till = anonymous.with_token(till["access_token"].as_str().unwrap());
    let phone = anonymous.log_in(&email, PASSWORD).await;
    let laptop = anonymous.log_in(&email, PASSWORD).await;

    let seen = sessions_of(&laptop).await;
    let current: Vec<bool> = seen.iter().map(|session| session["current"].as_bool().unwrap()).collect();
    assert_eq!(current, [true, false, false], "the newest first: {seen:?}");
    assert_eq!(seen[2]["client"], "Till 7 (kitchen)");
    assert_eq!(seen[2]["network"], "198.51.100.0/24");
    assert_eq!(seen[2]["last_used_at"], seen[2]["opened_at"]);
    let page = laptop.get("/v1/me/sessions?limit=2").await.expect(200);
    assert_eq!(page["data"].as_array().unwrap().len(), 2);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = laptop.get(&format!("/v1/me/sessions?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!((&rest["data"][0], &rest["next_cursor"]), (&seen[2], &Value::Null));

    assert_eq!(delete(&laptop, &format!("/v1/me/sessions/{}", id(&seen[2]))).await.status, 204);
    assert_eq!(till.get("/v1/me").await.code(), "session-revoked");
    assert_eq!(phone.get("/v1/me").await.status, 200);
    let again = delete(&laptop, &format!("/v1/me/sessions/{}", id(&seen[2]))).await;
    assert_eq!(again.problem(), (404, "not-found".to_owned()));
    let stranger = app.customer().await;
    let others = delete(&stranger, &format!("/v1/me/sessions/{}", id(&seen[1]))).await;
    assert_eq!(others.problem(), (404, "not-found".to_owned()), "another account's");
    assert_eq!(phone.get("/v1/me").await.status, 200);

    assert_eq!(delete(&laptop, "/v1/me/sessions").await.status, 204);
    assert_eq!(phone.get("/v1/me").await.code(), "session-revoked");
    assert_eq!(sessions_of(&laptop).await, [seen[0].clone()]);
    assert_eq!(sessions_of(&stranger).await.len(), 1);
    assert_eq!(anonymous.get("/v1/me/sessions").await.problem(), (401, "unauthenticated".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_ends_all_sessions_of_an_account_and_says_why() {
    let app = TestApp::open().await;
    let (email, customer, admin) = (app.account().await, app.anonymous(), &app.admin);
    let (here, there) = (customer.log_in(&email, PASSWORD).await, customer.log_in(&email, PASSWORD).await);
    let path = format!("/v1/admin/users/{}/sessions", here.id);
    let end = |client: &Client, path: &str, body: Value| Client::send(client.request(Method::DELETE, path).json(&body));
    assert_eq!(end(admin, &path, json!({ "reason": " " })).await.pointers(), ["/reason"]);
    assert_eq!(end(&here, &path, json!({ "reason": "me" })).await.problem(), (403, "forbidden".to_owned()));
    assert_eq!(end(admin, &path, json!({ "reason": "lost their phone" })).await.status, 204);
    assert_eq!(here.get("/v1/me").await.code(), "session-revoked");
    assert_eq!(there.get("/v1/me").await.code(), "session-revoked");
    customer.log_in(&email, PASSWORD).await;

    let log = admin.get("/v1/admin/audit-log?limit=1").await.expect(200);
    let entry = &log["data"][0];
    assert_eq!((&entry["action"], &entry["reason"]), (&json!("account.sessions_closed"), &json!("lost their phone")));
    assert_eq!((&entry["target"], &entry["actor_id"]), (&json!(here.id), &json!(admin.id)));
    let nobody = format!("/v1/admin/users/{}/sessions", uuid::Uuid::now_v7());
    assert_eq!(end(admin, &nobody, json!({ "reason": "nobody" })).await.problem(), (404, "not-found".to_owned()));
}

/// A browser that is signed in.
struct Browser {
    client: Client,
    token: String,
    csrf: String,
}

impl Browser {
    async fn sign_in(client: Client, email: &str, cookie: Option<&str>) -> Self {
        let origin = client.base_url().to_owned();
        let request = client.request(Method::POST, "/v1/web/sessions").header("origin", origin);
        let request = match cookie {
            Some(token) => request.header("cookie", format!("__Host-session={token}")),
            None => request,
        };
        let response = Client::send(request.json(&json!({ "email": email, "password": PASSWORD }))).await;
        assert_eq!(response.status, 200, "{}", response.text);
        let token = set_token(&response).expect("a cookie");
        let csrf = response.json()["csrf_token"].as_str().expect("a token").to_owned();
        Self { client, token, csrf }
    }

    async fn get(&self, token: &str) -> Response {
        let request = self.client.request(Method::GET, "/v1/me").header("cookie", format!("__Host-session={token}"));
        Client::send(request).await
    }

    /// The token as it would be if it had been issued earlier.
    fn aged(&self, seconds: i64) -> String {
        let claims = BASE64.decode(self.token.split('.').nth(1).unwrap()).unwrap();
        let mut claims: Value = serde_json::from_slice(&claims).unwrap();
        for name in ["iat", "nbf"] {
            claims[name] = json!(claims[name].as_i64().unwrap() - seconds);
        }
        let header = jsonwebtoken::decode_header(&self.token).unwrap();
        let header = Header { kid: header.kid, typ: header.typ, ..Header::new(Algorithm::EdDSA) };
        encode(&header, &claims, &EncodingKey::from_ed_pem(signing_key().as_bytes()).unwrap()).unwrap()
    }
}

fn set_token(response: &Response) -> Option<String> {
    let mut cookies = response.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let session = cookies.find_map(|cookie| cookie.strip_prefix("__Host-session="))?;
    Some(session.split(';').next().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browsers_session_is_compared_with_its_row_and_ends_when_it_is_not_used() {
    let app = TestApp::open().await;
    let browser = Browser::sign_in(app.anonymous(), &app.account().await, None).await;
    let database = app.database.client().await;
    let fresh = browser.get(&browser.token).await;
    assert_eq!((fresh.status, set_token(&fresh)), (200, None), "not every request is compared");

    database.batch_execute("UPDATE sessions SET idle_at = idle_at - interval '15 minutes'").await.unwrap();
    let renewed = browser.get(&browser.aged(900)).await;
    assert_eq!(renewed.status, 200);
    let next = set_token(&renewed).expect("the next token");
    assert_eq!(browser.get(&next).await.status, 200);
    let used =
        "SELECT count(*) FROM sessions WHERE last_used_at > opened_at AND idle_at > now() + interval '29 minutes'";
    assert_eq!(app.database.number(used).await, 1);
    let written = "SELECT xmin::text::bigint FROM sessions WHERE last_used_at IS NOT NULL";
    let before = app.database.number(written).await;
    for _ in 0..5 {
        assert!(set_token(&browser.get(&browser.aged(900)).await).is_some());
    }
    assert_eq!(app.database.number(written).await, before, "a page that sends many requests writes once");

    // As if nobody had told any server, and nobody had used it for half an hour.
    database.batch_execute("UPDATE sessions SET idle_at = now() - interval '1 second'").await.unwrap();
    assert_eq!(browser.get(&browser.aged(900)).await.problem(), (401, "unauthenticated".to_owned()));
    assert_eq!(browser.get(&browser.token).await.status, 200, "a token of this minute is believed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_keeps_its_place_while_its_session_is_renewed() {
    let app = TestApp::with_servers(1, &[("CONCURRENT_REQUESTS", "1")]).await;
    let browser = Browser::sign_in(app.anonymous(), &app.account().await, None).await;
    let tables = app.database.client().await;
    tables.batch_execute("BEGIN; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let body = json!({ "name": "Anna" }).to_string();
    let head = format!(
        "PATCH /v1/me HTTP/1.1\r\nhost: {}\r\norigin: {}\r\nx-csrf-token: {csrf}\r\n\
         cookie: __Host-session={}; __Host-csrf={csrf}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        app.servers[0].address,
        browser.client.base_url(),
        browser.aged(900),
        body.len(),
        csrf = browser.csrf,
    );
    let mut stream = TcpStream::connect(&app.servers[0].address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // Its body does not come, and its session is being renewed.
    let renewing = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                    AND wait_event_type = 'Lock' AND query LIKE '%\"sessions\" INNER JOIN \"users\"%'";
    let begin = Instant::now();
    while app.database.number(renewing).await == 0 {
        assert!(begin.elapsed() < Duration::from_secs(20), "no session is being renewed");
        tokio::task::yield_now().await;
    }
    let menu = app.anonymous().get("/v1/menu").await;
    assert_eq!(menu.problem(), (503, "unavailable".to_owned()), "the place is taken");

    tables.batch_execute("ROLLBACK").await.unwrap();
    while app.anonymous().get("/v1/menu").await.status == 503 {
        tokio::task::yield_now().await;
    }
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 200 ") && response.contains("\"Anna\""), "{response}");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_signs_in_again_leaves_no_session_behind() {
    let app = TestApp::open().await;
    let (ana, ben) = (app.account().await, app.account().await);
    let first = Browser::sign_in(app.anonymous(), &ana, None).await;
    let second = Browser::sign_in(app.anonymous(), &ben, Some(&first.token)).await;
    assert_eq!(first.get(&first.token).await.problem(), (401, "unauthenticated".to_owned()));
    assert_eq!(second.get(&second.token).await.status, 200);
    let elsewhere = Browser::sign_in(app.anonymous(), &ben, Some("nonsense")).await;
    assert_eq!(elsewhere.get(&elsewhere.token).await.status, 200);
    assert_eq!(second.get(&second.token).await.status, 200, "another browser's");

    // A sign-in that fails ends nothing.
    let body = json!({ "email": ana, "password": "certainly not it" });
    let cookie = format!("__Host-session={}", second.token);
    let request = app.anonymous().request(Method::POST, "/v1/web/sessions").header("cookie", cookie).json(&body);
    assert_eq!(Client::send(request).await.code(), "invalid-credentials");
    assert_eq!(second.get(&second.token).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_a_bounded_number_of_sessions_and_the_oldest_end() {
    let app = TestApp::with_servers(1, &[("SESSIONS_PER_ACCOUNT", "3")]).await;
    let (email, customer) = (app.account().await, app.anonymous());
    let mut sessions = Vec::new();
    for _ in 0..5 {
        sessions.push(customer.log_in(&email, PASSWORD).await);
    }
    for (n, session) in sessions.iter().enumerate() {
        assert_eq!(session.get("/v1/me").await.status, if n < 2 { 401 } else { 200 }, "session {n}");
    }
    assert_eq!(sessions_of(&sessions[4]).await.len(), 3);

    // A browser that signs in again puts nobody out but itself, and what has run out does not count.
    let browser = Browser::sign_in(app.anonymous(), &email, None).await;
    let again = Browser::sign_in(app.anonymous(), &email, Some(&browser.token)).await;
    assert_eq!(again.get(&again.token).await.status, 200);
    assert_eq!(sessions_of(&sessions[4]).await.len(), 3);
    let sql = "UPDATE sessions SET idle_at = now() - interval '1 minute' WHERE idle_at IS NOT NULL";
    app.database.client().await.batch_execute(sql).await.unwrap();
    customer.log_in(&email, PASSWORD).await;
    assert_eq!(sessions[3].get("/v1/me").await.status, 200);
    assert_eq!(app.admin.get("/v1/me").await.status, 200, "another account's");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_long_ago_is_deleted_and_what_goes_on_is_kept() {
    let mut app = TestApp::open().await;
    let (email, customer) = (app.account().await, app.anonymous());
    let ended = customer.log_in(&email, PASSWORD).await;
    let database = app.database.client().await;
    let fill = "INSERT INTO sessions (id, account_id, opened_at, expires_at, closed_at) \
                SELECT gen_random_uuid(), $1, now() - interval '60 days', now() - interval '30 days', \
                       CASE WHEN n % 2 = 0 THEN now() - interval '40 days' END FROM generate_series(1, 1500) n";
    database.execute(fill, &[&ended.id]).await.unwrap();
    let session = customer.try_password(&email, PASSWORD).await.expect(200);
    let refresh = |token: &Value| {
        let (customer, body) = (customer.clone(), json!({ "refresh_token": token }));
        async move { customer.post("/v1/sessions/refresh", &body).await }
    };
    let next = refresh(&session["refresh_token"]).await.expect(200);
    database.batch_execute("UPDATE refresh_tokens SET used_at = used_at - interval '1 hour'").await.unwrap();
    // Of a token of the release before, only its row tells that it was used.
    let keep = "INSERT INTO refresh_tokens (hash, session_id, issued_at, used_at) \
                SELECT sha256('old'), session_id, issued_at, used_at FROM refresh_tokens WHERE used_at IS NOT NULL";
    assert_eq!(database.execute(keep, &[]).await.unwrap(), 1);

    // Its workers begin with a round.
    app.open_another(&[]);
    let left = "SELECT (SELECT count(*) FROM sessions WHERE expires_at < now()) \
                     + (SELECT count(*) FROM refresh_tokens WHERE used_at IS NOT NULL AND NOT is_kept)";
    let begin = Instant::now();
    while app.database.number(left).await > 0 {
        assert!(begin.elapsed() < Duration::from_secs(20), "{} rows are left", app.database.number(left).await);
        tokio::task::yield_now().await;
    }
    assert_eq!(app.database.number("SELECT count(*) FROM refresh_tokens WHERE used_at IS NOT NULL").await, 1);
    assert_eq!(ended.get("/v1/me").await.status, 200);
    let again = refresh(&next["refresh_token"]).await.expect(200);
    assert_eq!(refresh(&session["refresh_token"]).await.code(), "session-revoked", "a token without a row is known");
    assert_eq!(refresh(&again["refresh_token"]).await.code(), "session-revoked");
}
