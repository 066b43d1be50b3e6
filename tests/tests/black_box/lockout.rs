use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use comanda_tests::{PASSWORD, Response, TestApp, TestRedis};
use futures_util::future::join_all;
use serde_json::json;

const WRONG: &str = "certainly not it";

fn counted(responses: &[Response]) -> BTreeMap<(u16, String), usize> {
    let mut counts = BTreeMap::new();
    for response in responses {
        let code = if response.status == 200 { String::new() } else { response.code() };
        *counts.entry((response.status, code)).or_default() += 1;
    }
    counts
}

/// Makes `count` attempts at once, spread over the servers.
async fn at_once(app: &TestApp, count: usize, email: &str, password: &str) -> Vec<Response> {
    let attempts = (0..count).map(|n| {
        let client = app.anonymous().at(&app.servers[n % app.servers.len()].base_url);
        async move { client.try_password(email, password).await }
    });
    join_all(attempts).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_parallel_guesses_test_five_passwords() {
    let patient = [("LOCKOUT_PATIENCE_MS", "60000"), ("PASSWORD_TIMEOUT_MS", "60000")];
    let settings = [("LOG", "info,comanda_identity=debug"), patient[0], patient[1]];
    let app = TestApp::with_servers(2, &settings).await;
    let email = app.account().await;
    for email in [email.as_str(), "nobody@example.org"] {
        let before = checked(&app);
        let responses = at_once(&app, 200, email, WRONG).await;
        let expected = [((401, "invalid-credentials".to_owned()), 5), ((429, "account-locked".to_owned()), 195)];
        assert_eq!(counted(&responses), BTreeMap::from(expected), "{email}");
        assert_eq!(checked(&app) - before, 5, "passwords that reached the hasher");
        let locked = app.anonymous().try_password(email, PASSWORD).await;
        assert_eq!(locked.problem(), (429, "account-locked".to_owned()), "also for the right password");
        let wait: u64 = locked.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
    }
}

/// Password checks, as counted by the hasher.
fn checked(app: &TestApp) -> usize {
    let lines = app.servers.iter().flat_map(comanda_tests::TestServer::log);
    lines.filter(|line| line.contains("a password was checked")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_parallel_correct_logins_are_all_let_in() {
    let app = TestApp::with_servers(2, &[("LOCKOUT_PATIENCE_MS", "60000"), ("PASSWORD_TIMEOUT_MS", "60000")]).await;
    let email = app.account().await;
    let responses = at_once(&app, 100, &email, PASSWORD).await;
    assert_eq!(counted(&responses), BTreeMap::from([((200, String::new()), 100)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn success_forgets_the_failures_before_it() {
    let app = TestApp::open().await;
    let (email, customer) = (app.account().await, app.anonymous());
    for _ in 0..3 {
        for _ in 0..4 {
            assert_eq!(customer.try_password(&email, WRONG).await.code(), "invalid-credentials");
        }
        assert_eq!(customer.try_password(&email, PASSWORD).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_opens_by_itself_and_the_next_is_longer() {
    let settings = [("LOCKOUT_FREE_FAILURES", "1"), ("LOCKOUT_STEPS_SECONDS", "1,300,900,3600")];
    let app = TestApp::with_servers(1, &settings).await;
    let (email, customer) = (app.account().await, app.anonymous());
    assert_eq!(customer.try_password(&email, WRONG).await.status, 401);
    // Attempts while it lasts do not prolong it.
    let begin = Instant::now();
    let status = loop {
        match customer.try_password(&email, WRONG).await.status {
            429 => assert!(begin.elapsed() < Duration::from_secs(30), "it never opens"),
            other => break other,
        }
    };
    assert_eq!(status, 401, "one attempt after the lock");
    let lock = app.admin.get(&format!("/v1/admin/lockouts/{email}")).await.expect(200);
    assert_eq!(
        (&lock["level"], &lock["attempts"], &lock["reason"]),
        (&json!(2), &json!(2), &json!("failed_again_after_lock"))
    );
    let at = |name: &str| chrono::DateTime::parse_from_rfc3339(lock[name].as_str().unwrap()).unwrap();
    assert_eq!((at("unlock_at") - at("locked_at")).num_milliseconds(), 300_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sees_locks_and_lifts_them_with_a_reason_that_is_recorded() {
    let app = TestApp::open().await;
    let (email, admin) = (app.account().await, &app.admin);
    at_once(&app, 6, &email, WRONG).await;
    at_once(&app, 6, "nobody@example.org", WRONG).await;

    let first = admin.get("/v1/admin/lockouts?limit=1").await.expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = admin.get(&format!("/v1/admin/lockouts?limit=1&cursor={cursor}")).await.expect(200);
    let mut seen = [first["data"][0]["email"].as_str().unwrap(), second["data"][0]["email"].as_str().unwrap()];
    seen.sort_unstable();
    let mut expected = [email.as_str(), "nobody@example.org"];
    expected.sort_unstable();
    assert_eq!((seen, &second["next_cursor"]), (expected, &json!(null)));
    let lock = admin.get(&format!("/v1/admin/lockouts/{email}")).await.expect(200);
    assert_eq!(
        (&lock["attempts"], &lock["level"], &lock["reason"]),
        (&json!(5), &json!(1), &json!("too_many_failures"))
    );

    let unlock = |body: serde_json::Value| {
        let request = admin.request(reqwest::Method::DELETE, &format!("/v1/admin/lockouts/{email}")).json(&body);
        comanda_tests::Client::send(request)
    };
    assert_eq!(unlock(json!({})).await.code(), "invalid-request");
    assert_eq!(unlock(json!({ "reason": "" })).await.code(), "validation-failed");
    assert_eq!(unlock(json!({ "reason": "called us" })).await.status, 204);
    assert_eq!(unlock(json!({ "reason": "again" })).await.status, 404);
    assert_eq!(app.anonymous().try_password(&email, PASSWORD).await.status, 200);

    let log = admin.get("/v1/admin/audit-log?limit=1").await.expect(200);
    let entry = &log["data"][0];
    assert_eq!(
        (&entry["action"], &entry["target"], &entry["reason"]),
        (&json!("account.unlocked"), &json!(email), &json!("called us"))
    );
    assert_eq!(entry["actor_id"], json!(admin.id));
    for client in [app.customer().await, app.anonymous()] {
        for path in ["/v1/admin/lockouts", "/v1/admin/users", "/v1/admin/audit-log"] {
            assert!(matches!(client.get(path).await.status, 401 | 403));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_remembered_when_servers_and_redis_restart() {
    let mut redis = TestRedis::start().await;
    let mut app = TestApp::with_redis(redis.url(), 1, &[]).await;
    let email = app.account().await;
    for _ in 0..2 {
        assert_eq!(app.anonymous().try_password(&email, WRONG).await.status, 401);
    }
    let another = app.open_another(&[]);
    assert!(app.servers.remove(0).stop().success());
    let customer = comanda_tests::Client::anonymous(&another);
    assert_eq!(customer.try_password(&email, WRONG).await.status, 401);
    redis.stop();
    redis.start_again().await;
    // Who was told in between that Redis is down counts by itself until it is back.
    while customer.get("/health/ready").await.json()["status"] != "ok" {
        tokio::task::yield_now().await;
    }
    for _ in 0..2 {
        assert_eq!(customer.try_password(&email, WRONG).await.status, 401);
    }
    assert_eq!(customer.try_password(&email, WRONG).await.code(), "account-locked");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_logins_go_on_and_guessing_stays_limited() {
    let mut redis = TestRedis::start().await;
    let metrics = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let app = TestApp::with_redis(redis.url(), 1, &[("METRICS_ADDR", metrics.as_str())]).await;
    let degraded =
        || async { comanda_tests::Client::anonymous(&format!("http://{metrics}")).get("/metrics").await.text };
    assert!(degraded().await.contains("comanda_degraded{what=\"lockouts\"} 0"), "{}", degraded().await);
    let (email, victim, customer) = (app.account().await, app.account().await, app.anonymous());
    let customer = customer.log_in(&email, PASSWORD).await;
    redis.kill();
    assert_eq!(customer.get("/health/ready").await.expect(200)["status"], "degraded");
    assert_eq!(customer.try_password(&email, PASSWORD).await.status, 200);
    let responses = at_once(&app, 20, &victim, WRONG).await;
    assert_eq!(counted(&responses)[&(401, "invalid-credentials".to_owned())], 5, "{:?}", counted(&responses));
    assert_eq!(customer.try_password(&victim, PASSWORD).await.code(), "account-locked");
    assert!(degraded().await.contains("comanda_degraded{what=\"lockouts\"} 1"), "{}", degraded().await);
    // Sessions continue, and can be ended.
    assert_eq!(customer.get("/v1/me").await.status, 200);
    let leaving = customer.request(reqwest::Method::DELETE, "/v1/sessions/current");
    assert_eq!(comanda_tests::Client::send(leaving).await.status, 204);
    assert_eq!(customer.get("/v1/me").await.code(), "session-revoked");

    redis.start_again().await;
    while customer.get("/health/ready").await.json()["status"] != "ok" {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        customer.try_password(&victim, PASSWORD).await.code(),
        "account-locked",
        "what was locked here stays locked"
    );
    assert_eq!(customer.try_password(&email, PASSWORD).await.status, 200);
}

async fn unlock(app: &TestApp, email: &str) -> u16 {
    let request = app.admin.request(reqwest::Method::DELETE, &format!("/v1/admin/lockouts/{email}"));
    comanda_tests::Client::send(request.json(&json!({ "reason": "called us" }))).await.status
}

/// Waits until the right password signs in at all servers. None of these tries counts: the address is locked.
async fn until_open_everywhere(app: &TestApp, email: &str) {
    let begin = Instant::now();
    for server in &app.servers {
        let customer = comanda_tests::Client::anonymous(&server.base_url);
        while customer.try_password(email, PASSWORD).await.status != 200 {
            assert!(begin.elapsed() < Duration::from_secs(10), "{} does not learn of the unlock", server.base_url);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unlock_reaches_what_servers_locked_while_redis_was_gone() {
    let mut redis = TestRedis::start().await;
    let app = TestApp::with_redis(redis.url(), 2, &[("ADDRESS_LIMIT_BURST", "1000")]).await;
    let (first, second, third) = (app.account().await, app.account().await, app.account().await);
    redis.kill();
    for email in [&first, &second, &third] {
        for server in &app.servers {
            let customer = comanda_tests::Client::anonymous(&server.base_url);
            while customer.try_password(email, WRONG).await.code() != "account-locked" {}
        }
    }
    // While Redis is gone, over HTTP and from the command line.
    assert_eq!(unlock(&app, &first).await, 204);
    until_open_everywhere(&app, &first).await;
    let unlocked = app.comanda(&["admin", "unlock", "--email", &second, "--reason", "called us"]);
    assert!(unlocked.status.success(), "{unlocked:?}");
    // As it was called before.
    assert!(String::from_utf8_lossy(&unlocked.stderr).contains("is now `comanda accounts unlock EMAIL`"));
    until_open_everywhere(&app, &second).await;

    // When it is back, all servers know the lock, and an admin lifts it at any of them.
    redis.start_again().await;
    let other = app.admin.at(&app.servers[1].base_url);
    let begin = Instant::now();
    loop {
        let locked = other.get("/v1/admin/lockouts").await.json()["data"].clone();
        let locked: Vec<_> = locked.as_array().into_iter().flatten().map(|lock| lock["email"].clone()).collect();
        if locked == [third.as_str()] {
            break;
        }
        assert!(locked.is_empty(), "what was unlocked stays unlocked: {locked:?}");
        assert!(begin.elapsed() < Duration::from_secs(10), "the lock is not shared");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(unlock(&app, &third).await, 204);
    until_open_everywhere(&app, &third).await;
    app.close().await;
}

/// An unlock that has not reached Redis yet is repeated until it does. What is guessed meanwhile counts all the same.
#[tokio::test(flavor = "multi_thread")]
async fn an_unlock_while_redis_is_gone_opens_the_address_once() {
    const PAUSE: Duration = Duration::from_millis(100);

    let mut redis = TestRedis::start().await;
    let app = TestApp::with_redis(redis.url(), 1, &[]).await;
    let (email, attacker) = (app.account().await, app.anonymous());
    redis.kill();
    while attacker.try_password(&email, WRONG).await.code() != "account-locked" {}
    assert_eq!(unlock(&app, &email).await, 204);
    let mut guesses = 0;
    for _ in 0..30 {
        if attacker.try_password(&email, WRONG).await.code() == "invalid-credentials" {
            guesses += 1;
        }
        // So that the server reads the audit log several times meanwhile.
        tokio::time::sleep(PAUSE).await;
    }
    assert_eq!(attacker.try_password(&email, PASSWORD).await.code(), "account-locked");
    // The server may find the unlock in the audit log when four of five guesses have been made.
    assert!((5..=9).contains(&guesses), "{guesses} guesses");
}

/// Takes samples of both kinds alternately, so that other load on the machine affects both alike, and compares them by
/// the two-sample Kolmogorov-Smirnov test: the greatest distance between the two empirical distributions. Were they the
/// same, it would exceed this bound once in ten thousand runs; a skipped hash, or even half of one, makes it 1.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_address_takes_as_long_as_an_unknown_one() {
    const SAMPLES: usize = 100;
    let app = TestApp::with_servers(1, &[("LOCKOUT_FREE_FAILURES", "1000")]).await;
    let (known, customer) = (app.account().await, app.anonymous());
    let mut times = [Vec::new(), Vec::new()];
    for n in 0..2 * SAMPLES {
        let email = if n % 2 == 0 { known.as_str() } else { "nobody@example.org" };
        let begin = Instant::now();
        assert_eq!(customer.try_password(email, WRONG).await.code(), "invalid-credentials");
        times[n % 2].push(begin.elapsed());
    }
    let [known, unknown] = times;
    let below = |samples: &[Duration], at: Duration| samples.iter().filter(|sample| **sample <= at).count();
    let distances = known.iter().chain(&unknown).map(|at| below(&known, *at).abs_diff(below(&unknown, *at)));
    // 2.225 is sqrt(-ln(0.0001 / 2) / 2); with equal sample sizes n it is multiplied by sqrt(2 / n), and here by n.
    let bound = 2.225 * (2.0 * 100.0_f64).sqrt();
    let distance = distances.max().unwrap();
    assert!((u32::try_from(distance).map(f64::from).unwrap()) < bound, "{distance} of {SAMPLES}, bound {bound}");
}
