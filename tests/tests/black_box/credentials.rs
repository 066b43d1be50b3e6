//! Which passwords, addresses and names an account can have.

use comanda_tests::{Client, PASSWORD, Response, TestApp};
use reqwest::Method;
use serde_json::json;

async fn register(app: &TestApp, email: &str, password: &str, name: &str) -> Response {
    let body = json!({ "email": email, "password": password, "name": name });
    app.anonymous().post("/v1/users", &body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_that_anybody_would_guess_are_refused_wherever_one_is_chosen() {
    let app = TestApp::open().await;
    let email = "maria.rossi@trattoria.example";
    register(&app, email, PASSWORD, "María Rossi").await.expect(201);
    let customer = app.anonymous().log_in(email, PASSWORD).await;
    for (password, code) in [
        ("123456789012", "too-common"),
        ("Password123!", "too-common"),
        ("iloveyou1234", "too-common"),
        ("admin1234567", "too-common"),
        ("abcdefghijkl", "too-common"),
        ("qwertyuiopas", "too-common"),
        ("zzzzzzzzzzzz", "too-common"),
        ("123qweasdzxc", "too-common"),
        ("withintemptation", "too-common"),
        ("comanda12345", "too-personal"),
        ("maria.rossi@trattoria.example", "too-personal"),
        ("María Rossi!", "too-personal"),
        ("Maria-Rossi-1990", "too-personal"),
        ("correct\u{7}horse battery", "unusable-character"),
        ("short", "too-short"),
    ] {
        let chosen = register(&app, "maria.rossi@trattoria.example", password, "María Rossi").await;
        let change = json!({ "current_password": PASSWORD, "new_password": password });
        let changed = Client::send(customer.request(Method::PUT, "/v1/me/password").json(&change)).await;
        for (response, pointer) in [(chosen, "/password"), (changed, "/new_password")] {
            assert_eq!(response.problem(), (422, "validation-failed".to_owned()), "{password}");
            assert_eq!(response.json()["errors"][0]["code"], code, "{password}: {}", response.text);
            assert_eq!(response.pointers(), [pointer], "{password}");
        }
        let appointed = comanda_tests::comanda(&app.database.url, "redis://127.0.0.1:1")
            .args(["admin", "create", "--email", email, "--name", "María Rossi"])
            .env("ADMIN_PASSWORD", password)
            .output()
            .unwrap();
        assert_eq!(appointed.status.code(), Some(2), "{password}: {appointed:?}");
    }
    assert_eq!(customer.get("/v1/me").await.expect(200)["role"], "customer");
    app.anonymous().log_in(email, PASSWORD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_the_same_however_its_accents_are_typed() {
    let app = TestApp::open().await;
    let (composed, decomposed) = ("ma\u{f1}ana me lev\u{e9} tarde", "man\u{303}ana me leve\u{301} tarde");
    register(&app, "ana@example.org", decomposed, "Ana").await.expect(201);
    for typed in [composed, decomposed, "ma\u{f1}ana\u{a0}me lev\u{e9} tarde"] {
        app.anonymous().log_in("ana@example.org", typed).await;
    }
    assert_eq!(app.anonymous().try_password("ana@example.org", "manana me leve tarde").await.status, 401);

    // 64 letters with an accent each: 128 code points as they are typed, and twice as many are too many.
    let letters: String = "áćéǵíḱĺḿńóṕŕśúýźäëïöüẅÿâĉêĝĥîĵôŝûŵŷẑ".chars().cycle().take(64).collect();
    let typed: String = letters.chars().flat_map(decompose).collect();
    assert_eq!(typed.chars().count(), 128);
    register(&app, "ben@example.org", &typed, "Ben").await.expect(201);
    app.anonymous().log_in("ben@example.org", &typed).await;
    app.anonymous().log_in("ben@example.org", &letters).await;
    let long: String = typed.chars().chain(typed.chars()).chain(typed.chars()).collect();
    let refused = register(&app, "eve@example.org", &long, "Eve").await;
    assert_eq!((refused.code(), refused.pointers()), ("validation-failed".to_owned(), vec!["/password".to_owned()]));
    let sign_in = app.anonymous().try_password("ben@example.org", &long).await;
    assert_eq!(sign_in.problem(), (422, "validation-failed".to_owned()));
}

/// A letter and its accent, as some keyboards send them.
fn decompose(letter: char) -> Vec<char> {
    let mut parts = Vec::new();
    unicode_normalization::char::decompose_canonical(letter, |part| parts.push(part));
    parts
}

/// Hashes that earlier servers made are of what was typed.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_from_before_signs_in_as_before_and_then_in_either_form() {
    /// "café con leche y pan" with the accent after its letter, by the reference implementation's Python binding
    /// (argon2-cffi), with today's parameters.
    const OLDER: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$P/FtrGQ9TZ4hhNyy+0xsvQM4YMWyI+y68an9MS1vHVE";
    let (composed, decomposed) = ("caf\u{e9} con leche y pan", "cafe\u{301} con leche y pan");
    let app = TestApp::open().await;
    let email = app.account().await;
    let client = app.database.client().await;
    client.execute("UPDATE users SET password_hash = $1 WHERE email = $2", &[&OLDER, &email]).await.unwrap();
    assert_eq!(app.anonymous().try_password(&email, composed).await.status, 401, "it is another text");
    app.anonymous().log_in(&email, decomposed).await;
    for typed in [composed, decomposed] {
        app.anonymous().log_in(&email, typed).await;
    }
    let hash: String =
        client.query_one("SELECT password_hash FROM users WHERE email = $1", &[&email]).await.unwrap().get(0);
    assert_ne!(hash, OLDER);
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_have_one_form_and_hide_nothing() {
    let app = TestApp::open().await;
    let before = app.database.number("SELECT count(*) FROM users").await;
    for address in [
        // İ grows from two octets to three.
        format!("{}@example.org", "\u{130}".repeat(32)),
        format!("{}@example.org", "a".repeat(65)),
        "us\u{200b}er@example.org".to_owned(),
        "us\u{202e}er@example.org".to_owned(),
        "us\u{2066}er@example.org".to_owned(),
        "us\u{ad}er@example.org".to_owned(),
        "us\u{feff}er@example.org".to_owned(),
        "us\u{200d}er@example.org".to_owned(),
        "us\u{e0041}er@example.org".to_owned(),
        "us\u{2028}er@example.org".to_owned(),
        "user@exam\u{200b}ple.org".to_owned(),
        "\u{200b}@example.org".to_owned(),
    ] {
        let refused = register(&app, &address, PASSWORD, "Ana").await;
        assert_eq!(refused.problem(), (422, "validation-failed".to_owned()), "{address:?}");
        assert_eq!(refused.pointers(), ["/email"], "{address:?}");
    }
    for name in ["\u{202e}anA", "A\u{200b}na", "\u{2066}Ana", "A\u{ad}na", "\u{200b}", "\u{3164}", "A\nna", "\u{301}"] {
        let refused = register(&app, "ana@example.org", PASSWORD, name).await;
        assert_eq!(refused.problem(), (422, "validation-failed".to_owned()), "{name:?}");
        assert_eq!(refused.pointers(), ["/name"], "{name:?}");
    }
    assert_eq!(app.database.number("SELECT count(*) FROM users").await, before, "nothing is stored");

    // Twins in NFC and NFD are one account.
    register(&app, "jos\u{e9}@example.org", PASSWORD, "Jose\u{301}").await.expect(201);
    for twin in ["jose\u{301}@example.org", "JOSE\u{301}@EXAMPLE.ORG", "JOS\u{c9}@example.org"] {
        assert_eq!(register(&app, twin, PASSWORD, "José").await.problem(), (409, "email-taken".to_owned()), "{twin:?}");
        let me = app.anonymous().log_in(twin, PASSWORD).await.get("/v1/me").await.expect(200);
        assert_eq!((&me["email"], &me["name"]), (&json!("jos\u{e9}@example.org"), &json!("Jos\u{e9}")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_hide_something_are_refused_wherever_one_is_given() {
    let app = TestApp::open().await;
    let customer = app.customer().await;
    let hidden = "\u{202e}anA";
    let rename = |name: &str| Client::send(customer.request(Method::PATCH, "/v1/me").json(&json!({ "name": name })));
    assert_eq!(rename(hidden).await.pointers(), ["/name"]);
    assert_eq!(rename("👩\u{200d}🍳 Ana").await.expect(200)["name"], "👩\u{200d}🍳 Ana");
    let item = json!({
        "name": format!("Soup{hidden}"), "category": format!("{hidden}Starters"), "stock": 1,
        "price": { "amount": 100, "currency": "EUR" },
    });
    let mut pointers = app.admin.post("/v1/menu/items", &item).await.pointers();
    pointers.sort();
    assert_eq!(pointers, ["/category", "/name"]);

    // What was stored before the rule is shown as it is.
    let client = app.database.client().await;
    client.execute("UPDATE users SET name = $1 WHERE id = $2", &[&hidden, &customer.id]).await.unwrap();
    assert_eq!(customer.get("/v1/me").await.expect(200)["name"], hidden);
    assert_eq!(app.admin.get("/v1/admin/users").await.status, 200);
}
