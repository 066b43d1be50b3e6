use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use comanda_tests::{TestApp, signing_key};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

/// The claims of a valid token, with changes.
fn claims(subject: uuid::Uuid, changes: &[(&str, Value)]) -> Value {
    let mut claims = json!({
        "sub": subject, "role": "customer", "iss": "comanda", "aud": "comanda",
        "iat": now(), "nbf": now(), "exp": now() + 900, "jti": uuid::Uuid::now_v7(), "sid": uuid::Uuid::now_v7(),
    });
    for (name, value) in changes {
        claims[*name] = value.clone();
    }
    claims
}

fn signed(claims: &Value, key_id: &str) -> String {
    let key = EncodingKey::from_ed_pem(signing_key().as_bytes()).unwrap();
    let header = Header { kid: Some(key_id.to_owned()), ..Header::new(Algorithm::EdDSA) };
    encode(&header, claims, &key).unwrap()
}

#[tokio::test]
async fn only_a_token_that_is_good_in_every_respect_is_let_in() {
    let app = TestApp::open().await;
    let customer = app.customer().await;
    let keys = app.anonymous().get("/.well-known/jwks.json").await.expect(200);
    assert_eq!((&keys["keys"][0]["crv"], &keys["keys"][0]["alg"]), (&json!("Ed25519"), &json!("EdDSA")));
    let key_id = keys["keys"][0]["kid"].as_str().unwrap().to_owned();
    let signed = |claims: &Value| signed(claims, &key_id);
    let status = |token: String| {
        let client = customer.with_token(&token);
        async move { client.get("/v1/me").await }
    };
    assert_eq!(status(signed(&claims(customer.id, &[]))).await.status, 200, "the test makes good tokens");

    let good = customer.token().to_owned();
    let (unsigned, signature) = good.rsplit_once('.').unwrap();
    let payload = unsigned.split_once('.').unwrap().1;
    let mut other_signature = BASE64.decode(signature).unwrap();
    other_signature[0] ^= 1;
    let header = |text: &str| BASE64.encode(text);
    let hmac = encode(
        &Header::new(Algorithm::HS256),
        &claims(customer.id, &[]),
        &EncodingKey::from_secret(signing_key().as_bytes()),
    )
    .unwrap();

    for (what, token) in [
        ("expired", signed(&claims(customer.id, &[("exp", json!(now() - 1))]))),
        ("not valid yet", signed(&claims(customer.id, &[("nbf", json!(now() + 60))]))),
        ("another audience", signed(&claims(customer.id, &[("aud", json!("kitchen"))]))),
        ("another issuer", signed(&claims(customer.id, &[("iss", json!("somebody"))]))),
        ("a role that is none", signed(&claims(customer.id, &[("role", json!("owner"))]))),
        ("a browser's audience", signed(&claims(customer.id, &[("aud", json!("comanda:browser"))]))),
        ("no session", signed(&claims(customer.id, &[("sid", Value::Null)]))),
        (
            "another key's id",
            super::bad_tokens::signed(&claims(customer.id, &[]), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
        ),
        ("a subject that is none", signed(&claims(customer.id, &[("sub", json!("me"))]))),
        ("a forged signature", format!("{unsigned}.{}", BASE64.encode(other_signature))),
        ("no signature", format!("{unsigned}.")),
        ("alg none", format!("{}.{payload}.", header(r#"{"alg":"none","typ":"JWT"}"#))),
        ("alg none, signed", format!("{}.{payload}.{signature}", header(r#"{"alg":"none","typ":"JWT"}"#))),
        ("HMAC with the key as a password", hmac),
        (
            "another payload",
            format!(
                "{}.{}.{signature}",
                unsigned.split_once('.').unwrap().0,
                header(&claims(customer.id, &[("role", json!("admin"))]).to_string())
            ),
        ),
        ("not a token", "token".to_owned()),
        ("nothing", String::new()),
    ] {
        let response = status(token).await;
        assert_eq!(response.problem(), (401, "unauthenticated".to_owned()), "{what}");
        assert_eq!(response.header("www-authenticate"), Some("Bearer"), "{what}");
    }
}

#[tokio::test]
async fn a_bad_token_is_a_problem_even_where_none_is_needed() {
    let app = TestApp::open().await;
    let confused = app.anonymous().with_token("token");
    assert_eq!(confused.get("/v1/menu/items").await.problem(), (401, "unauthenticated".to_owned()));
}
