//! What whoever watches for attacks can see: one line and one count per event, and never a secret.

use std::time::{Duration, Instant};

use comanda_tests::{Client, PASSWORD, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

const WRONG: &str = "certainly not it";

/// The security events of all servers.
fn events(app: &TestApp) -> Vec<Value> {
    let lines = app.servers.iter().flat_map(comanda_tests::TestServer::log);
    let lines = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
    lines.filter(|line| line["target"] == "security").collect()
}

/// Waits for an event of this kind and outcome that came with this request, and returns it.
async fn event(app: &TestApp, kind: &str, outcome: &str, request_id: &str) -> Value {
    let begin = Instant::now();
    loop {
        let all = events(app);
        let found = all.iter().find(|line| {
            let fields = &line["fields"];
            fields["event"] == kind && fields["outcome"] == outcome && line["span"]["request_id"] == request_id
        });
        if let Some(found) = found {
            return found.clone();
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "no {kind} {outcome} by {request_id}: {all:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn send(client: &Client, method: Method, path: &str, id: &str, body: &Value) -> comanda_tests::Response {
    Client::send(client.request(method, path).header("x-request-id", id).json(body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_security_event_is_one_structured_line_with_who_and_whence() {
    let metrics = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let settings = [("METRICS_ADDR", metrics.as_str()), ("TRUSTED_PROXIES", "127.0.0.0/8")];
    let app = TestApp::with_servers(1, &settings).await;
    let email = app.account().await;
    let anonymous = app.anonymous();

    // From behind a proxy: the client's network, not the proxy's.
    let credentials = |password: &str| json!({ "email": email, "password": password });
    let request = anonymous
        .request(Method::POST, "/v1/sessions")
        .header("x-request-id", "in")
        .header("x-forwarded-for", "2001:db8::1:2:3:4");
    let session = Client::send(request.json(&credentials(PASSWORD))).await.expect(200);
    let customer = anonymous.with_token(session["access_token"].as_str().unwrap());
    let id = session["user"]["id"].as_str().unwrap();
    let signed_in = event(&app, "sign_in", "success", "in").await;
    assert_eq!(signed_in["fields"]["account_id"], id);
    assert!(signed_in["fields"]["session_id"].is_string(), "{signed_in}");
    assert_eq!(signed_in["span"]["network"], "2001:db8::");

    let mut hashes = Vec::new();
    for n in 0..5 {
        let request_id = format!("wrong-{n}");
        send(&anonymous, Method::POST, "/v1/sessions", &request_id, &credentials(WRONG)).await;
        let refused = event(&app, "sign_in", "refused", &request_id).await;
        assert_eq!(
            (&refused["fields"]["reason"], &refused["span"]["network"]),
            (&json!("mismatch"), &json!("127.0.0.1"))
        );
        hashes.push(refused["fields"]["address_hash"].as_str().unwrap().to_owned());
    }
    let lock = event(&app, "lock", "success", "wrong-4").await;
    assert_eq!(
        (&lock["fields"]["reason"], &lock["fields"]["address_hash"]),
        (&json!("too_many_failures"), &json!(hashes[0]))
    );
    hashes.dedup();
    assert_eq!(hashes.len(), 1, "one address has one hash");
    send(&anonymous, Method::POST, "/v1/sessions", "locked", &credentials(PASSWORD)).await;
    assert_eq!(event(&app, "sign_in", "refused", "locked").await["fields"]["reason"], "locked");
    let path = format!("/v1/admin/lockouts/{email}");
    send(&app.admin, Method::DELETE, &path, "unlock", &json!({ "reason": "called us" })).await;
    let unlock = event(&app, "unlock", "success", "unlock").await;
    assert_eq!((&unlock["fields"]["by"], &unlock["fields"]["address_hash"]), (&json!(app.admin.id), &json!(hashes[0])));

    // Passwords, roles and refusals.
    let change = |current: &str| json!({ "current_password": current, "new_password": "another long password" });
    send(&customer, Method::PUT, "/v1/me/password", "bad-change", &change(WRONG)).await;
    let refused = event(&app, "password_change", "refused", "bad-change").await;
    assert_eq!((&refused["fields"]["account_id"], &refused["fields"]["reason"]), (&json!(id), &json!("mismatch")));
    send(&customer, Method::PUT, "/v1/me/password", "change", &change(PASSWORD)).await;
    event(&app, "password_change", "success", "change").await;
    send(&customer, Method::GET, "/v1/admin/users", "forbidden", &json!({})).await;
    let forbidden = event(&app, "authorization", "refused", "forbidden").await;
    assert_eq!(
        (&forbidden["fields"]["account_id"], &forbidden["fields"]["reason"]),
        (&json!(id), &json!("admins_only"))
    );
    let path = format!("/v1/admin/users/{id}");
    send(&app.admin, Method::PATCH, &path, "promote", &json!({ "role": "staff", "disabled": true })).await;
    let promoted = event(&app, "role_change", "success", "promote").await;
    assert_eq!((&promoted["fields"]["reason"], &promoted["fields"]["by"]), (&json!("staff"), &json!(app.admin.id)));
    event(&app, "account_disabling", "success", "promote").await;
    let path = format!("/v1/admin/users/{}", app.admin.id);
    send(&app.admin, Method::PATCH, &path, "last", &json!({ "role": "staff" })).await;
    assert_eq!(event(&app, "role_change", "refused", "last").await["fields"]["reason"], "last_admin");

    // Browsers, refresh tokens and the end.
    let other = app.account().await;
    let credentials = json!({ "email": other, "password": PASSWORD });
    let browser = anonymous.post("/v1/web/sessions", &credentials).await;
    let cookies = browser.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let cookies: Vec<&str> = cookies.map(|cookie| cookie.split(';').next().unwrap()).collect();
    let forged = anonymous.request(Method::PATCH, "/v1/me").header("cookie", cookies.join("; "));
    let forged = forged.header("origin", "https://elsewhere.example").header("x-request-id", "forged");
    assert_eq!(Client::send(forged.json(&json!({}))).await.code(), "invalid-origin");
    let csrf = event(&app, "csrf_check", "refused", "forged").await;
    assert_eq!(csrf["fields"]["reason"], "invalid-origin");
    let session = anonymous.post("/v1/sessions", &credentials).await.expect(200);
    let leaving = anonymous.with_token(session["access_token"].as_str().unwrap());
    send(&leaving, Method::DELETE, "/v1/sessions/current", "out", &json!({})).await;
    event(&app, "sign_out", "success", "out").await;
    let session = anonymous.post("/v1/sessions", &credentials).await.expect(200);
    let first = json!({ "refresh_token": session["refresh_token"] });
    let next = anonymous.post("/v1/sessions/refresh", &first).await.expect(200);
    let next = json!({ "refresh_token": next["refresh_token"] });
    anonymous.post("/v1/sessions/refresh", &next).await.expect(200);
    send(&anonymous, Method::POST, "/v1/sessions/refresh", "reuse", &first).await;
    event(&app, "refresh_reuse", "refused", "reuse").await;

    let counted = Client::anonymous(&format!("http://{metrics}")).get("/metrics").await.text;
    for (kind, outcome, at_least) in
        [("sign_in", "refused", 6), ("sign_in", "success", 3), ("lock", "success", 1), ("csrf_check", "refused", 1)]
    {
        let line = format!("comanda_security_events_total{{event=\"{kind}\",outcome=\"{outcome}\"}} ");
        let count = counted.lines().find_map(|counted| counted.strip_prefix(&line)).unwrap_or("0");
        assert!(count.parse::<u64>().unwrap() >= at_least, "{line}{count}");
    }
    let lines = events(&app).iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let token = session["refresh_token"].as_str().unwrap();
    for secret in [PASSWORD, WRONG, "another long password", email.as_str(), &other, token, customer.token()] {
        assert!(!lines.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_staff_cancel_and_refund_is_in_the_audit_log() {
    let app = TestApp::open().await;
    let (item, customer) = (app.item(5).await, app.customer().await);
    let order = customer.order(&[(item, 1)]).await.expect(201);
    let order = order["id"].as_str().unwrap();
    let payment = customer.post(&format!("/v1/orders/{order}/payments"), &json!({ "method": "counter" })).await;
    let payment = format!("/v1/orders/{order}/payments/{}", payment.expect(201)["id"].as_str().unwrap());
    app.admin.post(&format!("{payment}/settle"), &json!({})).await.expect(200);
    app.admin.post(&format!("{payment}/refunds"), &json!({ "reason": "cold soup" })).await.expect(201);
    let cancel = json!({ "reason": "the kitchen is on fire" });
    app.admin.post(&format!("/v1/orders/{order}/cancel"), &cancel).await.expect(200);
    // What customers do to their own orders is no deed of staff.
    let own = customer.order(&[(item, 1)]).await.expect(201);
    customer.post(&format!("/v1/orders/{}/cancel", own["id"].as_str().unwrap()), &json!({})).await.expect(200);

    let log = app.admin.get("/v1/admin/audit-log").await.expect(200);
    let of = |action: &str| {
        let entries = log["data"].as_array().unwrap().iter();
        entries.filter(|entry| entry["action"] == action).cloned().collect::<Vec<_>>()
    };
    let cancelled = of("order.cancelled");
    assert_eq!(cancelled.len(), 1, "{log}");
    assert_eq!(
        (&cancelled[0]["target"], &cancelled[0]["reason"], &cancelled[0]["actor_id"]),
        (&json!(order), &json!("the kitchen is on fire"), &json!(app.admin.id))
    );
    let refunded = of("payment.refunded");
    assert_eq!(refunded.len(), 1, "{log}");
    assert!(refunded[0]["reason"].as_str().unwrap().contains("cold soup"), "{log}");
    app.close().await;
}
