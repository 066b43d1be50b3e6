//! Sessions end when they should: whatever overlaps, whoever hangs up, and whichever component is gone.

use std::time::{Duration, Instant};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use comanda_tests::{Client, PASSWORD, TestApp, TestRedis, seeded};
use futures_util::{StreamExt, stream};
use nix::sys::signal::Signal;
use rand::RngExt;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use uuid::Uuid;

const ANOTHER: &str = "another long password";

/// What every server promises: two seconds, and some slack for a machine that does other things.
const PROMISED: Duration = Duration::from_millis(2500);

/// Overlapping sign-ins fail, which must not lock the address.
const NO_LOCKS: [(&str, &str); 1] = [("LOCKOUT_FREE_FAILURES", "1000")];

/// Rounds for each kind of change, and how many accounts share them.
const ROUNDS: usize = 200;
const ACCOUNTS: usize = 4;

async fn change(admin: &Client, account: Uuid, change: Value) {
    let path = format!("/v1/admin/users/{account}");
    Client::send(admin.request(Method::PATCH, &path).json(&change)).await.expect(200);
}

/// What a sign-in gave, if it let anybody in.
#[derive(Clone)]
struct Entry {
    client: Client,
    token: String,
    is_cookie: bool,
}

impl Entry {
    fn of(client: Client) -> Self {
        let token = client.token().to_owned();
        Self { client, token, is_cookie: false }
    }

    /// Signs in as a program or as a browser.
    async fn by_signing_in(client: Client, as_browser: bool, email: &str, password: &str) -> Option<Self> {
        let path = if as_browser { "/v1/web/sessions" } else { "/v1/sessions" };
        let origin = client.base_url().to_owned();
        let body = json!({ "email": email, "password": password });
        let response = Client::send(client.request(Method::POST, path).header("origin", origin).json(&body)).await;
        if response.status != 200 {
            assert_eq!(response.problem(), (401, "invalid-credentials".to_owned()));
            return None;
        }
        if !as_browser {
            return Some(Self::of(client.with_token(response.json()["access_token"].as_str().unwrap())));
        }
        let cookie = response.header("set-cookie").unwrap().split(';').next().unwrap();
        let token = cookie.split_once('=').unwrap().1.to_owned();
        Some(Self { client, token, is_cookie: true })
    }

    /// The role that the token says its owner has.
    fn role(&self) -> String {
        let claims = BASE64.decode(self.token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        claims["role"].as_str().unwrap().to_owned()
    }

    async fn is_open(&self) -> bool {
        let request = self.client.request(Method::GET, "/v1/me");
        let request =
            if self.is_cookie { request.header("cookie", format!("__Host-session={}", self.token)) } else { request };
        let response = Client::send(request).await;
        // An outage does not count as an end.
        assert!(matches!(response.status, 200 | 401), "{response:?}");
        response.status == 200
    }
}

/// The account's sessions that are open in the table.
async fn open_sessions(database: &tokio_postgres::Client, account: Uuid) -> i64 {
    let sql = "SELECT count(*) FROM sessions WHERE account_id = $1 AND closed_at IS NULL";
    database.query_one(sql, &[&account]).await.unwrap().get(0)
}

/// All of them are refused within the time that is promised.
async fn assert_all_end(entries: &[Entry]) {
    let begin = Instant::now();
    for entry in entries {
        while entry.is_open().await {
            assert!(begin.elapsed() < PROMISED, "somebody is still in after {:?}", begin.elapsed());
            tokio::task::yield_now().await;
        }
    }
}

/// Lets sign-ins overlap with a change of their account at a random moment, again and again. After both, only those
/// are in whom `may_stay` says so, beside `others`.
async fn overlap<F: Future<Output = ()>>(
    app: &TestApp,
    others: usize,
    password: impl Fn(usize) -> &'static str,
    may_stay: impl Fn(usize, &Entry) -> bool,
    change_now: impl Fn(usize, Client) -> F,
) {
    let delays: Vec<Duration> = {
        let mut random = seeded();
        (0..ROUNDS).map(|_| Duration::from_micros(random.random_range(0..100_000))).collect()
    };
    let (change_now, may_stay, password, delays) = (&change_now, &may_stay, &password, &delays);
    let kept_out = stream::iter(0..ACCOUNTS)
        .map(|number| async move {
            let email = app.account().await;
            let at = |n: usize| app.anonymous().at(&app.servers[n % app.servers.len()].base_url);
            let own = at(number).log_in(&email, PASSWORD).await;
            let database = app.database.client().await;
            let mut kept_out = 0;
            for round in 0..ROUNDS / ACCOUNTS {
                change(&app.admin, own.id, json!({ "disabled": false })).await;
                let changing = async {
                    tokio::time::sleep(delays[number * (ROUNDS / ACCOUNTS) + round]).await;
                    change_now(round, own.clone()).await;
                };
                let client = Entry::by_signing_in(at(round), false, &email, password(round));
                let browser = Entry::by_signing_in(at(round + 1), true, &email, password(round));
                let (client, browser, ()) = tokio::join!(client, browser, changing);
                let (stay, end): (Vec<_>, Vec<_>) =
                    client.into_iter().chain(browser).partition(|entry| may_stay(round, entry));
                let open = usize::try_from(open_sessions(&database, own.id).await).unwrap();
                assert_eq!(open, others + stay.len(), "round {round}");
                assert_all_end(&end).await;
                kept_out += end.len();
            }
            kept_out
        })
        .buffer_unordered(ACCOUNTS)
        .fold(0, |sum, entries| async move { sum + entries })
        .await;
    assert!(kept_out > 0, "no sign-in was ever before a change: the test shows nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_outlives_a_demotion_that_overlaps_its_sign_in() {
    let app = TestApp::with_servers(2, &NO_LOCKS).await;
    let (app, role) = (&app, |round: usize| if round.is_multiple_of(2) { "staff" } else { "customer" });
    // Whoever signs in after the change has the new role.
    let may_stay = |round, entry: &Entry| entry.role() == role(round);
    overlap(
        app,
        0,
        |_| PASSWORD,
        may_stay,
        |round, own| async move {
            change(&app.admin, own.id, json!({ "role": role(round) })).await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_outlives_a_new_password_that_overlaps_its_sign_in() {
    let app = TestApp::with_servers(2, &NO_LOCKS).await;
    let password = |round: usize| if round.is_multiple_of(2) { PASSWORD } else { ANOTHER };
    // The session that changes the password goes on.
    overlap(
        &app,
        1,
        password,
        |_, _| false,
        |round, own| async move {
            let body = json!({ "current_password": password(round), "new_password": password(round + 1) });
            let response = Client::send(own.request(Method::PUT, "/v1/me/password").json(&body)).await;
            assert_eq!(response.status, 204, "{}", response.text);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_outlives_being_disabled_while_it_signs_in() {
    let app = TestApp::with_servers(2, &NO_LOCKS).await;
    let app = &app;
    overlap(
        app,
        0,
        |_| PASSWORD,
        |_, _| false,
        |_, own| async move {
            change(&app.admin, own.id, json!({ "disabled": true })).await;
        },
    )
    .await;
}

/// Sends a request and hangs up after a while, perhaps before all of it is sent.
async fn hang_up(address: &str, request: &str, sent: usize, after: Duration) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&request.as_bytes()[..sent]).await.unwrap();
    let mut response = [0; 1024];
    // Until the response or the limit, whichever comes first.
    let _ = tokio::time::timeout(after, stream.read(&mut response)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_hang_up_end_sessions_wholly_or_not_at_all() {
    let mut random = seeded();
    let app = TestApp::with_servers(2, &[]).await;
    let customers = app.customers(120).await;
    let mut leaving = tokio::task::JoinSet::new();
    for (n, customer) in customers.iter().enumerate() {
        let request = if n % 2 == 0 {
            let token = customer.token();
            format!("DELETE /v1/sessions/current HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n")
        } else {
            let (token, body) = (app.admin.token(), r#"{"role":"staff"}"#);
            format!(
                "PATCH /v1/admin/users/{} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                customer.id,
                body.len()
            )
        };
        let sent = if n % 7 == 0 { random.random_range(0..request.len()) } else { request.len() };
        let (address, after) = (app.servers[n / 2 % 2].address.clone(), random.random_range(0..8000));
        leaving.spawn(async move { hang_up(&address, &request, sent, Duration::from_micros(after)).await });
    }
    leaving.join_all().await;

    let database = app.database.client().await;
    let half_done = "SELECT count(*) FROM users JOIN sessions ON account_id = users.id \
                     WHERE role = 'staff' AND closed_at IS NULL";
    assert_eq!(app.database.number(half_done).await, 0, "the role and the sessions change together");
    let mut ended = 0;
    for customer in &customers {
        if open_sessions(&database, customer.id).await == 1 {
            continue;
        }
        ended += 1;
        let everywhere = app.servers.iter().map(|server| Entry::of(customer.at(&server.base_url)));
        assert_all_end(&everywhere.collect::<Vec<_>>()).await;
    }
    assert!(ended > 0, "nobody was heard before they hung up: the test shows nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_session_is_known_everywhere_without_redis_and_without_the_server_that_closed_it() {
    for redis_returns in [false, true] {
        let mut redis = TestRedis::start().await;
        let mut app = TestApp::with_redis(redis.url(), 2, &[]).await;
        let customer = app.customer().await;
        let email_of_another = app.account().await;
        let another = app.anonymous().log_in(&email_of_another, PASSWORD).await;
        let closer = app.servers.remove(0);
        let remaining = app.servers[0].base_url.clone();
        assert_eq!(customer.at(&remaining).get("/v1/me").await.status, 200);

        redis.kill();
        change(&app.admin, customer.id, json!({ "disabled": true })).await;
        let out = Client::send(another.request(Method::DELETE, "/v1/sessions/current")).await;
        assert_eq!(out.status, 204);
        closer.signal(Signal::SIGKILL);
        if redis_returns {
            redis.start_empty().await;
        }
        let entries = [customer.at(&remaining), another.at(&remaining)].map(Entry::of);
        assert_all_end(&entries).await;
        drop(closer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_account_becomes_an_admins_only_on_demand_and_is_signed_out() {
    let app = TestApp::with_servers(2, &[]).await;
    let email = app.account().await;
    let squatter = app.anonymous().try_password(&email, PASSWORD).await.expect(200);
    let token = squatter["access_token"].as_str().unwrap();
    let create = |flags: &[&str]| {
        let mut arguments = vec!["admin", "create", "--email", &email];
        arguments.extend(flags);
        app.command(&arguments).env("ADMIN_PASSWORD", ANOTHER).output().expect("comanda runs")
    };
    let refused = create(&[]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--existing"), "{refused:?}");
    assert_eq!(app.anonymous().with_token(token).get("/v1/me").await.expect(200)["role"], "customer");

    let appointed = create(&["--existing"]);
    assert!(appointed.status.success(), "{appointed:?}");
    let entries = app.servers.iter().map(|server| Entry::of(Client::anonymous(&server.base_url).with_token(token)));
    assert_all_end(&entries.collect::<Vec<_>>()).await;
    let refresh = json!({ "refresh_token": squatter["refresh_token"] });
    assert_eq!(app.anonymous().post("/v1/sessions/refresh", &refresh).await.code(), "session-revoked");
    assert_eq!(app.anonymous().try_password(&email, PASSWORD).await.code(), "invalid-credentials");
    let admin = app.anonymous().log_in(&email, ANOTHER).await;
    assert_eq!(admin.get("/v1/me").await.expect(200)["role"], "admin");

    let log = admin.get("/v1/admin/audit-log?action=account.appointed").await.expect(200);
    let entry = &log["data"][0];
    assert_eq!((&entry["target"], &entry["reason"]), (&json!(admin.id), &json!("from customer to admin")));
    assert_eq!(entry["actor_id"], Value::Null);
}
