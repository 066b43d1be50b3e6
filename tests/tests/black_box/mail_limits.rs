//! What uses up which limit of mails, and what becomes of mails that cannot be sent.

use comanda_tests::{Client, PASSWORD, TestApp};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::mail::{MailApp, RESET, VERIFY, request_reset, settings};

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
