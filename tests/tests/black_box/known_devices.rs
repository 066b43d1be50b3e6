//! Strangers can lock an address, and the devices that its owner is known to use go on.

use comanda_tests::{Client, PASSWORD, Response, TestApp, TestRedis};
use reqwest::Method;
use serde_json::{Value, json};

const WRONG: &str = "certainly not it";

fn credentials(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password })
}

async fn sign_in(client: &Client, email: &str, password: &str, device: &str) -> Response {
    let request = client.request(Method::POST, "/v1/sessions").header("x-device-token", device);
    Client::send(request.json(&credentials(email, password))).await
}

async fn sign_in_browser(client: &Client, email: &str, password: &str, cookie: &str) -> Response {
    let request = client.request(Method::POST, "/v1/web/sessions").header("cookie", cookie);
    // As a browser does, whose page may send it.
    let request = request.header("sec-fetch-site", "same-origin");
    Client::send(request.json(&credentials(email, password))).await
}

fn device_of(session: &Value) -> String {
    session["device_token"].as_str().expect("a device token").to_owned()
}

/// The device cookie that a browser was given.
fn cookie_of(response: &Response) -> String {
    let cookies = response.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let cookie = cookies.into_iter().find(|cookie| cookie.starts_with("__Host-device=")).expect("a device cookie");
    for mark in ["HttpOnly", "Secure", "SameSite=Strict", "Path=/", "Max-Age=15552000"] {
        assert!(cookie.contains(mark), "{mark} is missing: {cookie}");
    }
    cookie.split(';').next().unwrap().to_owned()
}

async fn lock_out(app: &TestApp, email: &str) {
    for _ in 0..5 {
        assert_eq!(app.anonymous().try_password(email, WRONG).await.code(), "invalid-credentials");
    }
    assert_eq!(app.anonymous().try_password(email, PASSWORD).await.code(), "account-locked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_signs_in_while_strangers_have_locked_the_address() {
    let app = TestApp::with_servers(2, &[]).await;
    let email = app.account().await;
    let elsewhere = app.anonymous().at(&app.servers[1].base_url);
    let first = app.anonymous().post("/v1/sessions", &credentials(&email, PASSWORD)).await.expect(200);
    let (device, browser) = (device_of(&first), sign_in_browser(&app.anonymous(), &email, PASSWORD, "").await);
    let cookie = cookie_of(&browser);
    assert!(browser.expect(200).get("device_token").is_none(), "browsers have it in a cookie alone");
    lock_out(&app, &email).await;

    // Both kinds of device, at both servers.
    let again = sign_in(&elsewhere, &email, PASSWORD, &device).await.expect(200);
    assert_ne!(device_of(&again), "", "renewed");
    sign_in_browser(&elsewhere, &email, PASSWORD, &cookie).await.expect(200);
    assert_eq!(app.anonymous().try_password(&email, PASSWORD).await.code(), "account-locked", "strangers stay out");
    // A signed-in owner changes the password although strangers have locked the address.
    let owner = app.anonymous().with_token(again["access_token"].as_str().unwrap());
    let change = json!({ "current_password": PASSWORD, "new_password": "another long password" });
    assert_eq!(Client::send(owner.request(Method::PUT, "/v1/me/password").json(&change)).await.status, 204);

    // The allowance of a device is small as well, and each has its own.
    for _ in 0..5 {
        assert_eq!(sign_in(&elsewhere, &email, WRONG, &device).await.code(), "invalid-credentials");
    }
    let locked = sign_in(&app.anonymous(), &email, "another long password", &device).await;
    assert_eq!(locked.problem(), (429, "account-locked".to_owned()));
    sign_in_browser(&app.anonymous(), &email, "another long password", &cookie).await.expect(200);

    // An admin's unlock reaches everything.
    let unlock = app.admin.request(Method::DELETE, &format!("/v1/admin/lockouts/{email}"));
    assert_eq!(Client::send(unlock.json(&json!({ "reason": "called us" }))).await.status, 204);
    sign_in(&app.anonymous(), &email, "another long password", &device).await.expect(200);
    assert_eq!(app.anonymous().try_password(&email, "another long password").await.status, 200);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_token_of_another_account_helps_nobody() {
    let app = TestApp::open().await;
    let (victim, attacker) = (app.account().await, app.account().await);
    let own = app.anonymous().post("/v1/sessions", &credentials(&attacker, PASSWORD)).await.expect(200);
    let cookie = cookie_of(&sign_in_browser(&app.anonymous(), &attacker, PASSWORD, "").await);
    lock_out(&app, &victim).await;
    let before = app.database.number("SELECT count(*) FROM sessions").await;
    let stolen = device_of(&own);
    for token in [stolen.as_str(), &stolen[1..], "", "nonsense", &format!("{stolen}{stolen}")] {
        // Of a key that was replaced, it would be no mistake of the program's either.
        let locked = sign_in(&app.anonymous(), &victim, PASSWORD, token).await;
        assert_eq!(locked.problem(), (429, "account-locked".to_owned()), "{token}");
    }
    // People share browsers: the cookie of another account makes a stranger, no mistake.
    let locked = sign_in_browser(&app.anonymous(), &victim, PASSWORD, &cookie).await;
    assert_eq!(locked.problem(), (429, "account-locked".to_owned()));
    assert_eq!(app.database.number("SELECT count(*) FROM sessions").await, before, "nothing is stored");

    // A browser that both have used knows both.
    let other = app.account().await;
    let both = cookie_of(&sign_in_browser(&app.anonymous(), &other, PASSWORD, &cookie).await);
    lock_out(&app, &attacker).await;
    lock_out(&app, &other).await;
    for email in [&attacker, &other] {
        sign_in_browser(&app.anonymous(), email, PASSWORD, &both).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_device_goes_on_without_redis_too() {
    let mut redis = TestRedis::start().await;
    let app = TestApp::with_redis(redis.url(), 1, &[]).await;
    let email = app.account().await;
    let session = app.anonymous().post("/v1/sessions", &credentials(&email, PASSWORD)).await.expect(200);
    redis.kill();
    lock_out(&app, &email).await;
    sign_in(&app.anonymous(), &email, PASSWORD, &device_of(&session)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_unlocks_from_the_command_line() {
    let app = TestApp::open().await;
    let email = app.account().await;
    let unlock_address = |email: &str, reason: &str| app.comanda(&["accounts", "unlock", email, "--reason", reason]);
    let unlock = |reason: &str| unlock_address(&email, reason);
    // A server may know a lock that Redis does not, and lifts it when it reads of this.
    let not_locked = unlock_address(&app.account().await, "nothing to do");
    assert!(not_locked.status.success(), "{not_locked:?}");
    assert!(String::from_utf8_lossy(&not_locked.stdout).contains("was not locked in Redis"), "{not_locked:?}");
    lock_out(&app, &email).await;
    assert_eq!(unlock("").status.code(), Some(2), "a reason is needed");
    let unlocked = unlock("called us");
    assert!(unlocked.status.success(), "{unlocked:?}");
    assert!(String::from_utf8_lossy(&unlocked.stderr).contains("\"event\":\"unlock\""), "{unlocked:?}");
    assert_eq!(app.anonymous().try_password(&email, PASSWORD).await.status, 200);

    let log = app.admin.get("/v1/admin/audit-log?limit=1").await.expect(200);
    let entry = &log["data"][0];
    assert_eq!(
        (&entry["action"], &entry["target"], &entry["reason"], &entry["actor_id"]),
        (&json!("account.unlocked"), &json!(email), &json!("called us"), &Value::Null)
    );
}
