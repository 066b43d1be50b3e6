use comanda_tests::{Client, PASSWORD, Response, TestApp};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

async fn refresh(client: &Client, token: &str) -> Response {
    client.post("/v1/sessions/refresh", &json!({ "refresh_token": token })).await
}

fn text<'a>(session: &'a Value, name: &str) -> &'a str {
    session[name].as_str().expect("a text")
}

/// Waits until the server refuses the token. It must within a second; this gives up after a few.
async fn until_revoked(client: &Client) {
    let begin = std::time::Instant::now();
    while client.get("/v1/me").await.status == 200 {
        assert!(begin.elapsed().as_secs() < 5, "the other server does not hear of it");
        tokio::task::yield_now().await;
    }
    assert!(begin.elapsed().as_millis() < 1000, "after {:?}", begin.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_good_once_and_closes_its_session_when_it_comes_back() {
    let app = TestApp::with_servers(2, &[("REFRESH_GRACE_SECONDS", "0")]).await;
    let (email, customer) = (app.account().await, app.anonymous());
    let first = customer.try_password(&email, PASSWORD).await.expect(200);
    let second = refresh(&customer, text(&first, "refresh_token")).await.expect(200);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(customer.with_token(text(&second, "access_token")).get("/v1/me").await.status, 200);
    let other = customer.with_token(text(&second, "access_token")).at(&app.servers[1].base_url);
    assert_eq!(other.get("/v1/me").await.status, 200);

    // Some time must pass, even for a grace period of zero.
    let sql = "UPDATE refresh_tokens SET used_at = used_at - interval '1 second'";
    app.database.client().await.batch_execute(sql).await.unwrap();
    assert_eq!(refresh(&customer, text(&first, "refresh_token")).await.problem(), (401, "session-revoked".to_owned()));
    assert_eq!(refresh(&customer, text(&second, "refresh_token")).await.problem(), (401, "session-revoked".to_owned()));
    let access = customer.with_token(text(&second, "access_token"));
    assert_eq!(access.get("/v1/me").await.problem(), (401, "session-revoked".to_owned()));
    until_revoked(&other).await;
    assert_eq!(refresh(&customer, "nonsense").await.problem(), (401, "unauthenticated".to_owned()));

    let stored = "SELECT count(*) FROM refresh_tokens WHERE position(hash IN $1::bytea) > 0 OR length(hash) <> 32";
    let token = text(&first, "refresh_token").as_bytes();
    let plain: i64 = app.database.client().await.query_one(stored, &[&token]).await.unwrap().get(0);
    assert_eq!(plain, 0, "only hashes are stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_own_parallel_refresh_gets_the_same_successor() {
    let app = TestApp::with_servers(2, &[]).await;
    let (email, customer) = (app.account().await, app.anonymous());
    let session = customer.try_password(&email, PASSWORD).await.expect(200);
    let asking = (0..16).map(|n| {
        let client = customer.at(&app.servers[n % 2].base_url);
        let token = text(&session, "refresh_token").to_owned();
        async move { refresh(&client, &token).await.expect(200) }
    });
    let responses = join_all(asking).await;
    assert!(responses.iter().all(|response| response["refresh_token"] == responses[0]["refresh_token"]));
    refresh(&customer, text(&responses[0], "refresh_token")).await.expect(200);
}

/// The contract's words: only a client's own parallel request gets the same successor, and only while that is unused.
#[tokio::test(flavor = "multi_thread")]
async fn within_the_grace_a_used_successor_or_a_grandparent_closes_the_family() {
    let app = TestApp::with_servers(2, &[("REFRESH_GRACE_SECONDS", "600")]).await;
    let elsewhere = app.anonymous().at(&app.servers[1].base_url);
    for generation in 0..2 {
        let (email, customer) = (app.account().await, app.anonymous());
        let mut sessions = vec![customer.try_password(&email, PASSWORD).await.expect(200)];
        for _ in 0..3 {
            let last = text(sessions.last().unwrap(), "refresh_token").to_owned();
            let next = refresh(&customer, &last).await.expect(200);
            assert_eq!(refresh(&elsewhere, &last).await.expect(200)["refresh_token"], next["refresh_token"]);
            sessions.push(next);
        }
        // The last one is unused, the one before it is its parent, and those before come back.
        let stolen = text(&sessions[generation], "refresh_token");
        assert_eq!(refresh(&elsewhere, stolen).await.problem(), (401, "session-revoked".to_owned()));
        let last = sessions.last().unwrap();
        assert_eq!(refresh(&customer, text(last, "refresh_token")).await.code(), "session-revoked");
        until_revoked(&customer.with_token(text(last, "access_token"))).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_recognized_when_its_row_is_gone() {
    let app = TestApp::open().await;
    let (email, customer) = (app.account().await, app.anonymous());
    let first = customer.try_password(&email, PASSWORD).await.expect(200);
    let second = refresh(&customer, text(&first, "refresh_token")).await.expect(200);
    let sql = "DELETE FROM refresh_tokens WHERE used_at IS NOT NULL";
    app.database.client().await.batch_execute(sql).await.unwrap();
    assert_eq!(refresh(&customer, text(&first, "refresh_token")).await.problem(), (401, "session-revoked".to_owned()));
    assert_eq!(refresh(&customer, text(&second, "refresh_token")).await.problem(), (401, "session-revoked".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_the_release_before_go_on() {
    let app = TestApp::with_servers(1, &[("REFRESH_GRACE_SECONDS", "600")]).await;
    let (email, customer) = (app.account().await, app.anonymous());
    let session = customer.try_password(&email, PASSWORD).await.expect(200);
    let id: uuid::Uuid = text(&session["user"], "id").parse().unwrap();
    let old = "43-characters-of-a-token-of-the-release-bef";
    let hash = <sha2::Sha256 as sha2::Digest>::digest(old).to_vec();
    let database = app.database.client().await;
    let sql = "UPDATE refresh_tokens SET hash = $1 WHERE session_id IN (SELECT id FROM sessions WHERE account_id = $2)";
    assert_eq!(database.execute(sql, &[&hash, &id]).await.unwrap(), 1);
    let next = refresh(&customer, old).await.expect(200);
    assert_eq!(refresh(&customer, old).await.expect(200)["refresh_token"], next["refresh_token"]);
    let last = refresh(&customer, text(&next, "refresh_token")).await.expect(200);
    let last = refresh(&customer, text(&last, "refresh_token")).await.expect(200);

    // It does not say its session, and is recognized all the same when it comes back.
    assert_eq!(refresh(&customer, old).await.problem(), (401, "session-revoked".to_owned()));
    assert_eq!(refresh(&customer, text(&last, "refresh_token")).await.problem(), (401, "session-revoked".to_owned()));
}

/// While servers of the release before run: such a server keeps no successor for a client's own parallel request.
#[tokio::test(flavor = "multi_thread")]
async fn a_parallel_refresh_at_a_server_of_the_release_before_does_not_end_the_session() {
    let app = TestApp::with_servers(1, &[("REFRESH_GRACE_SECONDS", "600")]).await;
    let (email, customer) = (app.account().await, app.anonymous());
    let session = customer.try_password(&email, PASSWORD).await.expect(200);
    let signed_in = customer.with_token(text(&session, "access_token"));
    let id: uuid::Uuid = text(&session["user"], "id").parse().unwrap();
    let database = app.database.client().await;
    let used = "UPDATE refresh_tokens SET used_at = now() \
                WHERE session_id IN (SELECT id FROM sessions WHERE account_id = $1)";
    assert_eq!(database.execute(used, &[&id]).await.unwrap(), 1);
    let succeeded = "INSERT INTO refresh_tokens (hash, session_id, issued_at) \
                     SELECT sha256('next'), session_id, used_at FROM refresh_tokens WHERE used_at IS NOT NULL";
    assert_eq!(database.execute(succeeded, &[]).await.unwrap(), 1);
    let first = text(&session, "refresh_token");
    assert_eq!(refresh(&customer, first).await.status, 401, "nobody knows the successor");
    assert_eq!(signed_in.get("/v1/me").await.status, 200);
    refresh(&customer, "next").await.expect(200);
    assert_eq!(refresh(&customer, first).await.problem(), (401, "session-revoked".to_owned()));
    assert_eq!(signed_in.get("/v1/me").await.code(), "session-revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_the_session_on_every_server() {
    let app = TestApp::with_servers(2, &[]).await;
    let (email, customer) = (app.account().await, app.anonymous());
    let session = customer.try_password(&email, PASSWORD).await.expect(200);
    let another = customer.log_in(&email, PASSWORD).await;
    let here = customer.with_token(text(&session, "access_token"));
    let there = here.at(&app.servers[1].base_url);
    assert_eq!(there.get("/v1/me").await.status, 200);
    assert_eq!(Client::send(here.request(Method::DELETE, "/v1/sessions/current")).await.status, 204);
    assert_eq!(here.get("/v1/me").await.code(), "session-revoked");
    assert_eq!(refresh(&customer, text(&session, "refresh_token")).await.code(), "session-revoked");
    until_revoked(&there).await;
    assert_eq!(another.get("/v1/me").await.status, 200, "another session of the same account");

    let mut app = app;
    let late = app.open_another(&[]);
    assert_eq!(here.at(&late).get("/v1/me").await.code(), "session-revoked", "a server that starts later knows, too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_other_sessions_and_needs_the_old_one() {
    let app = TestApp::with_servers(2, &[]).await;
    let (email, customer) = (app.account().await, app.anonymous());
    let (here, elsewhere) = (customer.log_in(&email, PASSWORD).await, customer.log_in(&email, PASSWORD).await);
    let put = |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        Client::send(here.request(Method::PUT, "/v1/me/password").json(&body))
    };
    assert_eq!(put("certainly not it", "another long password").await.code(), "invalid-credentials");
    let short = put(PASSWORD, "short").await;
    assert_eq!((short.code(), short.pointers()), ("validation-failed".to_owned(), vec!["/new_password".to_owned()]));
    assert_eq!(put(PASSWORD, "qwerty123456").await.pointers(), ["/new_password"], "one of the commonest");
    assert_eq!(put(PASSWORD, "another long password").await.status, 204);

    assert_eq!(here.get("/v1/me").await.status, 200);
    assert_eq!(elsewhere.get("/v1/me").await.code(), "session-revoked");
    until_revoked(&elsewhere.at(&app.servers[1].base_url)).await;
    assert_eq!(customer.try_password(&email, PASSWORD).await.status, 401);
    assert_eq!(customer.try_password(&email, "another long password").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_gives_roles_and_shuts_accounts_at_once() {
    let app = TestApp::open().await;
    let (email, customer, admin) = (app.account().await, app.anonymous(), &app.admin);
    let customer = customer.log_in(&email, PASSWORD).await;
    let path = format!("/v1/admin/users/{}", customer.id);
    let change = |body: Value| Client::send(admin.request(Method::PATCH, &path).json(&body));
    assert_eq!(change(json!({ "role": "owner" })).await.pointers(), ["/role"]);
    let changed = change(json!({ "role": "staff" })).await.expect(200);
    assert_eq!((&changed["role"], &changed["disabled"]), (&json!("staff"), &json!(false)));
    assert_eq!(customer.get("/v1/me").await.code(), "session-revoked", "an old token would still say customer");
    let staff = customer.log_in(&email, PASSWORD).await;
    assert_eq!(staff.get("/v1/me").await.expect(200)["role"], "staff");

    change(json!({ "disabled": true })).await.expect(200);
    assert_eq!(staff.get("/v1/me").await.code(), "session-revoked");
    assert_eq!(customer.try_password(&email, PASSWORD).await.code(), "invalid-credentials");
    change(json!({ "disabled": false })).await.expect(200);
    customer.log_in(&email, PASSWORD).await;

    let users = admin.get("/v1/admin/users?limit=1").await.expect(200);
    assert!(users["next_cursor"].is_string() && users["data"].as_array().unwrap().len() == 1);
    let log = admin.get("/v1/admin/audit-log").await.expect(200);
    let actions: Vec<&str> = log["data"].as_array().unwrap().iter().map(|entry| text(entry, "action")).collect();
    assert_eq!(actions, ["account.enabled", "account.disabled", "account.role_changed", "account.appointed"]);
    let nobody = format!("/v1/admin/users/{}", uuid::Uuid::now_v7());
    assert_eq!(Client::send(admin.request(Method::PATCH, &nobody).json(&json!({}))).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_the_menu_are_recorded_and_the_record_cannot_be_changed() {
    let app = TestApp::open().await;
    let item = app.item(5).await;
    let (path, admin) = (format!("/v1/menu/items/{item}"), &app.admin);
    admin.post(&format!("{path}/stock"), &json!({ "delta": 2, "reason": "delivery" })).await.expect(200);
    admin.patch(&path, "\"1\"", &json!({ "name": "Another" })).await.expect(200);
    assert_eq!(admin.delete(&path, "\"2\"").await.status, 204);
    let log = admin.get(&format!("/v1/admin/audit-log?actor_id={}", admin.id)).await.expect(200);
    let entries = log["data"].as_array().unwrap();
    let actions: Vec<&str> = entries.iter().map(|entry| text(entry, "action")).collect();
    assert_eq!(actions, ["menu_item.archived", "menu_item.edited", "menu_item.stock_adjusted", "menu_item.added"]);
    assert!(entries.iter().all(|entry| entry["target"] == json!(item) && entry["actor_id"] == json!(admin.id)));
    assert_eq!(entries[2]["reason"], "delivery");
    let client = app.database.client().await;
    for statement in ["UPDATE audit_log SET reason = ''", "DELETE FROM audit_log", "TRUNCATE audit_log"] {
        assert!(client.batch_execute(statement).await.is_err(), "{statement}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_replaced_goes_on_verifying_until_it_is_taken_out() {
    let mut app = TestApp::open().await;
    let customer = app.customer().await;
    let generated = app.comanda(&["keys", "generate"]);
    let new_key = String::from_utf8(generated.stdout).unwrap();
    let settings = [("JWT_SIGNING_KEY", new_key.as_str()), ("JWT_VERIFICATION_KEYS", comanda_tests::signing_key())];
    let rotated = app.open_another(&settings);
    let replaced = app.open_another(&settings[..1]);
    assert_eq!(customer.at(&rotated).get("/v1/me").await.status, 200);
    assert_eq!(customer.at(&replaced).get("/v1/me").await.code(), "unauthenticated");
    let keys = Client::anonymous(&rotated).get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(keys["keys"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_from_one_address_are_limited() {
    let settings =
        [("ADDRESS_LIMIT_BURST", "5"), ("ADDRESS_LIMIT_PER_MINUTE", "1"), ("TRUSTED_PROXIES", "127.0.0.0/8")];
    let app = TestApp::with_servers(2, &settings).await;
    let from = |address: &'static str, n: usize| {
        let client = app.anonymous().at(&app.servers[n % 2].base_url);
        let body = json!({ "email": format!("nobody-{n}@example.org"), "password": "certainly not it" });
        let request = client.request(Method::POST, "/v1/sessions").header("x-forwarded-for", address).json(&body);
        Client::send(request)
    };
    for n in 0..5 {
        assert_eq!(from("2001:db8::1", n).await.code(), "invalid-credentials");
    }
    let limited = from("2001:db8::2", 5).await;
    assert_eq!(limited.problem(), (429, "rate-limited".to_owned()), "the same network, at the other server");
    assert_eq!((limited.header("ratelimit-limit"), limited.header("ratelimit-remaining")), (Some("5"), Some("0")));
    assert_eq!(from("2001:db8:0:1::1", 6).await.code(), "invalid-credentials", "another network");
}
