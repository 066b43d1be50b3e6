use comanda_tests::{Client, PASSWORD, Response, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

async fn change(admin: &Client, whom: &Client, body: Value) -> Response {
    let path = format!("/v1/admin/users/{}", whom.id);
    Client::send(admin.request(Method::PATCH, &path).json(&body)).await
}

const ENABLED_ADMINS: &str = "SELECT count(*) FROM users WHERE role = 'admin' AND NOT disabled";

#[tokio::test(flavor = "multi_thread")]
async fn the_last_enabled_admin_can_be_neither_demoted_nor_disabled() {
    let app = TestApp::open().await;
    let admin = &app.admin;
    for body in [
        json!({ "role": "customer" }),
        json!({ "role": "staff" }),
        json!({ "disabled": true }),
        json!({ "role": "admin", "disabled": true }),
    ] {
        assert_eq!(change(admin, admin, body.clone()).await.problem(), (409, "last-admin".to_owned()), "{body}");
    }
    // Nothing happened: neither to the account nor to its session.
    assert_eq!(admin.get("/v1/me").await.expect(200)["role"], "admin");
    let log = admin.get("/v1/admin/audit-log").await.expect(200);
    let changes = ["account.role_changed", "account.disabled"];
    assert!(
        log["data"].as_array().unwrap().iter().all(|entry| changes.iter().all(|change| entry["action"] != *change))
    );

    // A disabled admin does not count, and a customer does not either.
    let email = app.account().await;
    let other = app.anonymous().log_in(&email, PASSWORD).await;
    change(admin, &other, json!({ "role": "admin", "disabled": true })).await.expect(200);
    assert_eq!(change(admin, admin, json!({ "role": "staff" })).await.code(), "last-admin");
    change(admin, &other, json!({ "disabled": false })).await.expect(200);
    change(admin, admin, json!({ "role": "staff" })).await.expect(200);
    let other = app.anonymous().log_in(&email, PASSWORD).await;
    assert_eq!(change(&other, &other, json!({ "disabled": true })).await.code(), "last-admin");
    assert_eq!(app.database.number(ENABLED_ADMINS).await, 1);
    app.close().await;
}

/// Whoever is faster: one remains, each of 500 times.
#[tokio::test(flavor = "multi_thread")]
async fn two_admins_who_remove_each_other_at_the_same_instant_leave_one() {
    let app = TestApp::with_servers(2, &[("LOCKOUT_PATIENCE_MS", "60000")]).await;
    let email = app.account().await;
    let second = app.anonymous().log_in(&email, PASSWORD).await;
    change(&app.admin, &second, json!({ "role": "admin" })).await.expect(200);
    let mut admins =
        [app.sign_in_admin().await, app.anonymous().log_in(&email, PASSWORD).await.at(&app.servers[1].base_url)];
    for round in 0..500 {
        let removal = if round % 2 == 0 { json!({ "role": "customer" }) } else { json!({ "disabled": true }) };
        let (one, two) = tokio::join!(
            change(&admins[0], &admins[1], removal.clone()),
            change(&admins[1], &admins[0], removal.clone()),
        );
        // The slower one may find its own session closed by then.
        let outcomes = [one.status, two.status];
        assert_eq!(outcomes.iter().filter(|status| **status == 200).count(), 1, "round {round}: {one:?} {two:?}");
        let refused = if one.status == 200 { &two } else { &one };
        assert!(
            matches!(refused.problem(), (409, code) if code == "last-admin")
                || matches!(refused.problem(), (401, code) if code == "session-revoked"),
            "round {round}: {refused:?}"
        );
        assert_eq!(app.database.number(ENABLED_ADMINS).await, 1, "round {round}");

        // The one who is left brings the other back, who signs in again.
        let (left, removed) = if one.status == 200 { (0, 1) } else { (1, 0) };
        let restored = json!({ "role": "admin", "disabled": false });
        change(&admins[left], &admins[removed], restored).await.expect(200);
        admins[removed] = match removed {
            0 => app.sign_in_admin().await,
            _ => app.anonymous().log_in(&email, PASSWORD).await.at(&app.servers[1].base_url),
        };
    }
    app.close().await;
}

/// With a third admin none of the two is the last, and still only one of them is removed: who was removed removes
/// nobody.
#[tokio::test(flavor = "multi_thread")]
async fn an_admin_who_was_removed_removes_nobody_any_more() {
    let app = TestApp::with_servers(2, &[("LOCKOUT_PATIENCE_MS", "60000")]).await;
    let emails = [app.account().await, app.account().await];
    let sign_in = async |n: usize| {
        app.anonymous().log_in(&emails[n], PASSWORD).await.at(&app.servers[n % app.servers.len()].base_url)
    };
    for round in 0..100 {
        for (n, email) in emails.iter().enumerate() {
            if round == 0 {
                let client = app.anonymous().log_in(email, PASSWORD).await;
                change(&app.admin, &client, json!({ "role": "admin" })).await.expect(200);
            }
            let admins = format!("SELECT count(*) FROM users WHERE role = 'admin' AND email = '{email}'");
            assert_eq!(app.database.number(&admins).await, 1, "round {round}, {n}");
        }
        let admins = [sign_in(0).await, sign_in(1).await];
        let (one, two) = tokio::join!(
            change(&admins[0], &admins[1], json!({ "role": "customer" })),
            change(&admins[1], &admins[0], json!({ "role": "customer" })),
        );
        let outcomes = [one.status, two.status];
        assert_eq!(outcomes.iter().filter(|status| **status == 200).count(), 1, "round {round}: {one:?} {two:?}");
        assert!(outcomes.iter().all(|status| matches!(status, 200 | 401 | 403)), "round {round}: {one:?} {two:?}");
        let removed = if one.status == 200 { &admins[1] } else { &admins[0] };
        let promoted = change(removed, &app.admin, json!({ "role": "customer" })).await;
        assert!(matches!(promoted.status, 401 | 403), "round {round}: {promoted:?}");
        let path = format!("/v1/admin/users/{}/sessions", app.admin.id);
        let ended = Client::send(removed.request(Method::DELETE, &path).json(&json!({ "reason": "revenge" }))).await;
        assert!(matches!(ended.status, 401 | 403), "round {round}: {ended:?}");
        change(&app.admin, removed, json!({ "role": "admin" })).await.expect(200);
    }
    app.close().await;
}
