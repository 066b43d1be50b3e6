//! What uses up which limit of mails, and what becomes of mails that cannot be sent.

use std::{
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use comanda_tests::{Client, PASSWORD, Proxy, TestApp};
use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::mail::{MailApp, RESET, VERIFY, request_reset, reset, settings};

const CHANGED: &str = "Your password was changed";

/// Another address of the same mailbox.
fn tagged(email: &str, tag: usize) -> String {
    let (local, domain) = email.split_once('@').unwrap();
    format!("{local}+{tag}@{domain}")
}

async fn change_password(customer: &Client) {
    let body = json!({ "current_password": PASSWORD, "new_password": "quite another horse" });
    let changed = Client::send(customer.request(Method::PUT, "/v1/me/password").json(&body)).await;
    assert_eq!(changed.status, 204, "{changed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_who_use_other_addresses_of_a_mailbox_keep_no_reset_from_its_owner() {
    let mail = MailApp::open(1).await;
    let stranger = mail.app.anonymous();
    let email = mail.app.account().await;
    // Nobody has this address.
    for _ in 0..5 {
        request_reset(&stranger, &tagged(&email, 0)).await;
    }
    // These get an account, which is never verified.
    for tag in 1..=5 {
        let body = json!({ "email": tagged(&email, tag), "password": PASSWORD, "name": "Ana" });
        stranger.post("/v1/users", &body).await.expect(201);
        request_reset(&stranger, &tagged(&email, tag)).await;
    }
    mail.until_idle().await;
    request_reset(&stranger, &email).await;
    mail.token(&email, RESET, 1).await;
    mail.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resets_of_an_unverified_address_count_as_the_verifications_that_it_gets() {
    let mail = MailApp::open(1).await;
    let email = mail.app.unverified_account("Ana").await;
    for _ in 0..4 {
        request_reset(&mail.app.anonymous(), &email).await;
    }
    mail.until_idle().await;
    assert_eq!(mail.subjects_to(&email), [VERIFY; 5], "one for the registration");
    let token = mail.token(&email, VERIFY, 5).await;
    let verified = mail.app.anonymous().post("/v1/email-verifications", &json!({ "token": token })).await;
    assert_eq!(verified.status, 204, "{verified:?}");
    request_reset(&mail.app.anonymous(), &email).await;
    mail.token(&email, RESET, 1).await;
    mail.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_has_ordered_much_is_still_told_of_a_new_password() {
    let folder = std::env::temp_dir().join(format!("comanda-{}", Uuid::now_v7().simple()));
    let settings: Vec<_> = settings(&folder).into_iter().chain([("MAIL_PER_HOUR", "3")]).collect();
    let mail = MailApp { app: TestApp::with_servers(1, &settings).await, folder: folder.clone() };
    mail.until_subscribed().await;
    let email = mail.app.account().await;
    let customer = mail.app.anonymous().log_in(&email, PASSWORD).await;
    let item = mail.app.item(10).await;
    for _ in 0..5 {
        customer.order(&[(item, 1)]).await.expect(201);
    }
    mail.until_idle().await;
    let about_orders = mail.subjects_to(&email).iter().filter(|subject| subject.starts_with("Your order")).count();
    assert_eq!(about_orders, 3);
    change_password(&customer).await;
    mail.until_idle().await;
    assert!(mail.subjects_to(&email).contains(&CHANGED.to_owned()));
    mail.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_says_nothing_keeps_no_other_mail_waiting() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", silent.local_addr().unwrap());
    let settings = [("MODE", "development"), ("MAIL_URL", url.as_str()), ("NOTIFY_TIMEOUT_MS", "200")];
    let app = TestApp::with_servers(1, &settings).await;
    let emails = [app.unverified_account("Ana").await, app.unverified_account("Ben").await];
    let begin = Instant::now();
    while app.database.number("SELECT count(*) FROM mails WHERE attempts > 1").await < 2 {
        assert!(begin.elapsed() < Duration::from_secs(20), "the mails are not attempted again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let log = app.servers[0].log();
    assert!(log.iter().any(|line| line.contains("a mail to an account cannot be sent now")));
    assert!(log.iter().all(|line| emails.iter().all(|email| !line.contains(email))), "{log:?}");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_after_a_reset_leaves_the_lock_to_another() {
    let mut mail = MailApp::open(1).await;
    let email = mail.app.account().await;
    let anonymous = mail.app.anonymous();
    request_reset(&anonymous, &email).await;
    let token = mail.token(&email, RESET, 1).await;
    for _ in 0..5 {
        anonymous.try_password(&email, "certainly not it").await;
    }
    assert_eq!(anonymous.try_password(&email, PASSWORD).await.problem(), (429, "account-locked".to_owned()));

    let proxy = Proxy::to(&mail.app.database.url).await;
    let settings = settings(&mail.folder);
    let doomed = mail.app.open_another_at(&proxy.url.clone(), &settings);
    let server = Arc::new(mail.app.servers.pop().unwrap());
    let (killed, death) = mpsc::channel();
    let victim = Arc::clone(&server);
    // The reset records the mail that reports it.
    proxy.at_next_mail(move || {
        victim.signal(Signal::SIGKILL);
        killed.send(()).unwrap();
    });
    let body = json!({ "token": token, "new_password": "quite another horse" });
    let request = Client::anonymous(&doomed).request(Method::PUT, "/v1/password-resets").json(&body);
    assert!(Client::try_send(request).await.is_err(), "no response came");
    assert!(death.try_recv().is_ok(), "the server was killed at the commit");
    let begin = Instant::now();
    while mail.app.database.number("SELECT count(*) FROM mail_tokens WHERE unlock_due").await > 0 {
        assert!(begin.elapsed() < Duration::from_secs(20), "the lock is not lifted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    anonymous.log_in(&email, "quite another horse").await;
    assert_eq!(reset(&anonymous, &token, "one more other horse").await.status, 422, "the token is spent");
    drop(server);
    mail.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_request_counts_though_there_is_nothing_to_send() {
    let mail = MailApp::open(1).await;
    let email = mail.app.account().await;
    let customer = mail.app.anonymous().log_in(&email, PASSWORD).await;
    mail.until_idle().await;
    let before = mail.letters_to(&email).len();
    for replayed in [None, Some("true")] {
        let request = customer.request(Method::POST, "/v1/me/email-verification").header("Idempotency-Key", "once");
        let response = Client::send(request.json(&json!({}))).await;
        assert_eq!((response.status, response.header("idempotency-replayed")), (202, replayed));
    }
    mail.until_idle().await;
    assert_eq!(mail.letters_to(&email).len(), before);
    mail.close().await;
}
