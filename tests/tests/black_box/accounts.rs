use comanda_tests::{Response, TestApp};
use serde_json::json;

#[tokio::test]
async fn a_newcomer_registers_signs_in_and_sees_their_account() {
    let app = TestApp::open().await;
    let customer = app.anonymous();
    let body = json!({ "email": "Ana@Example.org", "password": "correct horse battery", "name": " Ana 🍕 " });
    let user = customer.post("/v1/users", &body).await.expect(201);
    assert_eq!(
        (&user["email"], &user["name"], &user["role"]),
        (&json!("ana@example.org"), &json!("Ana 🍕"), &json!("customer"))
    );

    let again = customer.post("/v1/users", &body).await;
    assert_eq!(again.problem(), (409, "email-taken".to_owned()));

    let login = json!({ "email": "ana@example.org", "password": "correct horse battery" });
    let session = customer.post("/v1/sessions", &login).await.expect(200);
    assert_eq!(
        (&session["token_type"], &session["expires_in"], &session["user"]),
        (&json!("Bearer"), &json!(900), &user)
    );
    let me = customer.with_token(session["access_token"].as_str().unwrap()).get("/v1/me").await;
    assert_eq!(me.expect(200), user);
    assert_eq!(customer.get("/v1/me").await.problem(), (401, "unauthenticated".to_owned()));
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_get_the_same_response() {
    let app = TestApp::open().await;
    let customer = app.anonymous();
    let attempt = |email: &'static str| {
        let customer = customer.clone();
        async move { customer.post("/v1/sessions", &json!({ "email": email, "password": "certainly not it" })).await }
    };
    let (wrong, unknown) = (attempt("admin@comanda.example").await, attempt("nobody@comanda.example").await);
    assert_eq!(wrong.problem(), (401, "invalid-credentials".to_owned()));
    assert_eq!(unknown.problem(), wrong.problem());
    assert_eq!(unknown.json()["detail"], wrong.json()["detail"]);
}

#[tokio::test]
async fn only_a_hash_is_stored_and_nothing_secret_is_logged() {
    let app = TestApp::open().await;
    let customer = app.customer().await;
    let client = app.database.client().await;
    let hash: String =
        client.query_one("SELECT password_hash FROM users WHERE id = $1", &[&customer.id]).await.unwrap().get(0);
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    let log = app.servers[0].log().join("\n");
    for secret in ["correct horse battery", customer.token(), "argon2id", "PRIVATE KEY"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[tokio::test]
async fn a_hash_with_old_parameters_is_replaced_at_the_next_sign_in() {
    let app = TestApp::open().await;
    let client = app.database.client().await;
    let customer = app.customer().await;
    let email: String =
        client.query_one("SELECT email FROM users WHERE id = $1", &[&customer.id]).await.unwrap().get(0);
    client.execute("UPDATE users SET password_hash = $1 WHERE id = $2", &[&WEAK_HASH, &customer.id]).await.unwrap();

    app.anonymous().log_in(&email, "correct horse battery").await;

    let hash: String =
        client.query_one("SELECT password_hash FROM users WHERE id = $1", &[&customer.id]).await.unwrap().get(0);
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    app.anonymous().log_in(&email, "correct horse battery").await;
}

/// "correct horse battery" with 8 MiB and one pass, by the reference implementation's Python binding (argon2-cffi).
const WEAK_HASH: &str =
    "$argon2id$v=19$m=8192,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$exh/RmO17fS7g1zxmN2BVBL7yNsQG0lrq3yrukpnUx8";

#[tokio::test]
async fn sign_ins_beyond_the_hashers_queue_get_503_at_once() {
    let settings = [("PASSWORD_THREADS", "1"), ("PASSWORD_QUEUE", "1")];
    let app = TestApp::with_servers(1, &settings).await;
    let customer = app.anonymous();
    let bodies: Vec<_> = (0..24)
        .map(|n| json!({ "email": format!("nobody-{n}@comanda.example"), "password": "certainly not it" }))
        .collect();
    let attempts = bodies.iter().map(|body| customer.post("/v1/sessions", body));
    let responses = futures_util::future::join_all(attempts).await;
    let problems: Vec<_> = responses.iter().map(Response::problem).collect();
    let busy = problems.iter().filter(|p| **p == (503, "unavailable".to_owned())).count();
    let checked = problems.iter().filter(|p| **p == (401, "invalid-credentials".to_owned())).count();
    assert_eq!(busy + checked, 24, "{problems:?}");
    assert!(busy > 0 && checked > 0, "{busy} busy, {checked} checked");
}
