//! Resets of passwords: who gets a mail, what the token in it does, and what a reset ends.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use comanda_tests::{Client, PASSWORD, TestApp, TestRedis};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::mail::{MailApp, NEW_PASSWORD, RESET, VERIFY, about_token, request_reset, reset, verify, violations};

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_closes_every_session_lifts_the_lock_and_is_reported() {
    let mail = MailApp::open(2).await;
    let email = mail.app.account().await;
    let anonymous = mail.app.anonymous();
    let sessions = [anonymous.log_in(&email, PASSWORD).await, anonymous.log_in(&email, PASSWORD).await];
    for _ in 0..5 {
        anonymous.try_password(&email, "certainly not it").await;
    }
    assert_eq!(anonymous.try_password(&email, PASSWORD).await.problem(), (429, "account-locked".to_owned()));

    request_reset(&anonymous, &email).await;
    let first = mail.token(&email, RESET, 1).await;
    request_reset(&anonymous, &email).await;
    let second = mail.token(&email, RESET, 2).await;
    // Of several uses at once one counts.
    let passwords = ["quite another horse", "yet another big horse", "one more other horse"];
    let resets = join_all(passwords.map(|password| reset(&anonymous, &second, password))).await;
    let done: Vec<_> = passwords.into_iter().zip(&resets).filter(|(_, response)| response.status == 204).collect();
    assert_eq!(done.len(), 1, "{resets:?}");
    // The other server learns of closed sessions within two seconds.
    let elsewhere = mail.app.servers[1].base_url.clone();
    let begin = Instant::now();
    for session in &sessions {
        assert_eq!(session.get("/v1/me").await.status, 401);
        while session.at(&elsewhere).get("/v1/me").await.status != 401 {
            assert!(begin.elapsed() < Duration::from_secs(10), "the other server still accepts the session");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    for client in [anonymous.clone(), anonymous.at(&elsewhere)] {
        assert_eq!(client.try_password(&email, PASSWORD).await.problem(), (401, "invalid-credentials".to_owned()));
        client.log_in(&email, done[0].0).await;
    }
    for spent in [&first, &second] {
        assert_eq!(violations(&reset(&anonymous, spent, NEW_PASSWORD).await), about_token("spent-token"));
    }
    mail.until_idle().await;
    let notices = mail.subjects_to(&email).iter().filter(|subject| *subject == "Your password was changed").count();
    assert_eq!(notices, 1);
    mail.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_resets_nothing_once_the_account_has_changed() {
    let mail = MailApp::open(1).await;
    let email = mail.app.account().await;
    let customer = mail.app.anonymous().log_in(&email, PASSWORD).await;
    request_reset(&customer, &email).await;
    let token = mail.token(&email, RESET, 1).await;
    let body = json!({ "current_password": PASSWORD, "new_password": NEW_PASSWORD });
    let changed = Client::send(customer.request(Method::PUT, "/v1/me/password").json(&body)).await;
    assert_eq!(changed.status, 204, "{changed:?}");
    let refused = reset(&customer, &token, "one more other horse").await;
    assert_eq!(violations(&refused), about_token("outdated-token"));
    mail.app.anonymous().log_in(&email, NEW_PASSWORD).await;
    mail.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_uses_at_once_over_two_servers_one_counts() {
    let mail = MailApp::open(2).await;
    let (unverified, email) = (mail.app.unverified_account("Ana").await, mail.app.account().await);
    let clients: Vec<_> = (0..20).map(|n| Client::anonymous(&mail.app.servers[n % 2].base_url)).collect();
    let token = mail.token(&unverified, VERIFY, 1).await;
    let uses = join_all(clients.iter().map(|client| verify(client, &token)));
    let responses = mail.while_held(&unverified, uses).await;
    let (done, refused): (Vec<_>, Vec<_>) = responses.into_iter().partition(|response| response.status == 204);
    assert_eq!(done.len(), 1);
    assert!(refused.iter().all(|response| violations(response) == about_token("spent-token")), "{refused:?}");

    request_reset(&clients[0], &email).await;
    let token = mail.token(&email, RESET, 1).await;
    let passwords: Vec<_> = (0..20).map(|n| format!("horse number {n} of many")).collect();
    let resets = clients.iter().zip(&passwords).map(|(client, password)| reset(client, &token, password));
    let responses = mail.while_held(&email, join_all(resets)).await;
    let mut winners = Vec::new();
    for (response, password) in responses.iter().zip(&passwords) {
        match response.status {
            204 => winners.push(password),
            // Twenty passwords are more than are hashed at once.
            503 => {}
            _ => assert_eq!(violations(response), about_token("spent-token")),
        }
    }
    assert_eq!(winners.len(), 1, "{responses:?}");
    clients[1].log_in(&email, winners[0]).await;
    mail.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_lifts_the_lock_while_redis_is_gone_and_once_it_is_back() {
    let mut redis = TestRedis::start().await;
    let mail = MailApp::open_with(redis.url(), 2).await;
    let (email, anonymous) = (mail.app.account().await, mail.app.anonymous());
    let elsewhere = anonymous.at(&mail.app.servers[1].base_url);
    let lock_out = async |client: &Client| {
        for _ in 0..6 {
            client.try_password(&email, "certainly not it").await;
        }
        assert_eq!(client.try_password(&email, PASSWORD).await.problem(), (429, "account-locked".to_owned()));
    };
    lock_out(&anonymous).await;
    redis.stop();
    // Each server's own memory has a lock of its own.
    lock_out(&anonymous).await;
    lock_out(&elsewhere).await;
    request_reset(&anonymous, &email).await;
    let token = mail.token(&email, RESET, 1).await;
    assert_eq!(reset(&anonymous, &token, NEW_PASSWORD).await.status, 204);
    anonymous.log_in(&email, NEW_PASSWORD).await;
    let begin = Instant::now();
    while elsewhere.try_password(&email, NEW_PASSWORD).await.status != 200 {
        assert!(begin.elapsed() < Duration::from_secs(10), "the other server still has its lock");
        tokio::task::yield_now().await;
    }
    mail.until_idle().await;
    assert_eq!(mail.app.database.number("SELECT count(*) FROM mail_tokens WHERE unlock_due").await, 1);

    redis.start_again().await;
    while mail.app.database.number("SELECT count(*) FROM mail_tokens WHERE unlock_due").await > 0 {
        tokio::task::yield_now().await;
    }
    for client in [&anonymous, &elsewhere] {
        client.log_in(&email, NEW_PASSWORD).await;
    }
    mail.close().await;
}

/// What is compared is the work and not the time, which depends on what else the machine does.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_a_reset_does_the_same_work_whether_there_is_an_account_or_not() {
    let metrics = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    // Nobody is written to: every statement is the request's, or of a worker that knows nothing of it.
    let app = TestApp::with_servers(1, &[("METRICS_ADDR", &metrics)]).await;
    let scraped = Client::anonymous(&format!("http://{metrics}"));
    let unknown: Vec<_> = (0..50).map(|_| format!("{}@example.org", Uuid::now_v7().simple())).collect();
    let mut known = Vec::new();
    for _ in &unknown {
        known.push(app.account().await);
    }
    // Registration has asked for a mail: only the limits' tables may tell.
    app.database.client().await.execute("DELETE FROM mails", &[]).await.unwrap();
    let mut work = Vec::new();
    for emails in [&known, &unknown] {
        let before = statements(&scraped.get("/metrics").await.text);
        for email in emails {
            // The limit is five.
            for _ in 0..7 {
                request_reset(&app.anonymous(), email).await;
            }
        }
        let after = statements(&scraped.get("/metrics").await.text);
        let done = after.into_iter().map(|(name, count)| {
            let earlier = before.get(&name).copied().unwrap_or_default();
            (name, count - earlier)
        });
        // Workers run by the clock.
        let by_the_clock = ["mail.locks_to_lift", "mail.delete", "mail.delete_tokens"];
        let asked = done.filter(|(name, n)| *n > 0 && !by_the_clock.contains(&name.as_str()));
        work.push(asked.collect::<BTreeMap<_, _>>());
    }
    let expected: BTreeMap<_, _> = [("mail.count_requested", 350), ("mail.lock_mailbox", 350), ("mail.record", 250)]
        .map(|(name, n)| (name.to_owned(), n))
        .into();
    for work in work {
        let mut of_mails = work.clone();
        of_mails.retain(|name, _| name.starts_with("mail."));
        assert_eq!(of_mails, expected);
        assert!(work.keys().all(|name| !name.starts_with("account.")), "{work:?}");
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_address_that_asks_for_too_many_resets_gets_no_other_response() {
    let app = TestApp::with_servers(1, &[("ADDRESS_LIMIT_BURST", "3"), ("ADDRESS_LIMIT_PER_MINUTE", "1")]).await;
    for n in 0..6 {
        request_reset(&app.anonymous(), &format!("somebody{n}@example.org")).await;
    }
    assert_eq!(app.database.number("SELECT count(*) FROM mails").await, 3);
    app.close().await;
}

/// How often each statement has run, by its name.
fn statements(metrics: &str) -> BTreeMap<String, u64> {
    let counts = metrics.lines().filter_map(|line| {
        let rest = line.strip_prefix("db_client_operation_duration_seconds_count{")?;
        let (name, rest) = rest.split_once("db_query_summary=\"")?.1.split_once('"')?;
        Some((name.to_owned(), rest.rsplit(' ').next()?.parse::<u64>().ok()?))
    });
    counts.fold(BTreeMap::new(), |mut sums, (name, count)| {
        *sums.entry(name).or_default() += count;
        sums
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_is_recorded_alike_for_every_address_and_mailed_to_those_with_an_account() {
    let mail = MailApp::open(1).await;
    let tables = mail.app.database.client().await;
    let known = mail.app.account().await;
    let unknown = format!("{}@example.org", Uuid::now_v7().simple());
    for email in [&known, &unknown] {
        request_reset(&mail.app.anonymous(), email).await;
    }
    mail.token(&known, RESET, 1).await;
    mail.until_idle().await;
    for email in [&known, &unknown] {
        let recorded = "SELECT count(*) FROM mails WHERE email = $1 AND kind = 'password-reset'";
        assert_eq!(tables.query_one(recorded, &[email]).await.unwrap().get::<_, i64>(0), 1);
    }
    assert!(mail.letters_to(&unknown).is_empty());
    mail.close().await;
}
