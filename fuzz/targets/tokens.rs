//! Access tokens and refresh tokens from anybody, and access tokens that are signed and say anything.

#![no_main]

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use comanda_domain::{
    RefreshToken, Timestamp,
    ports::{AccessTokens, Audience, RefreshTokens, TokenClaim},
};
use comanda_identity::{JwtAccessTokens, OpaqueRefreshTokens, SecretKeys, TokenKeys, TokenTerms, generate_signing_key};
use ed25519_dalek::{Signer, SigningKey, pkcs8::DecodePrivateKey};
use libfuzzer_sys::fuzz_target;
use secrecy::ExposeSecret;

struct Signing {
    key: SigningKey,
    /// The name of the key, in tokens.
    id: String,
    tokens: JwtAccessTokens,
}

static SIGNING: LazyLock<Signing> = LazyLock::new(|| {
    let pem = generate_signing_key().unwrap();
    let keys = Arc::new(TokenKeys::new(&pem, &"".into()).unwrap());
    let id = keys.public_set()["keys"][0]["kid"].as_str().unwrap().to_owned();
    let terms = TokenTerms {
        issuer: "comanda".to_owned(),
        audience: "comanda".to_owned(),
        client_lifetime: Duration::from_mins(15),
        browser_lifetime: Duration::from_hours(12),
    };
    let key = SigningKey::from_pkcs8_pem(pem.expose_secret()).unwrap();
    Signing { key, id, tokens: JwtAccessTokens::new(keys, terms) }
});

static REFRESH: LazyLock<OpaqueRefreshTokens> =
    LazyLock::new(|| OpaqueRefreshTokens::new(&SecretKeys::from(&"a key of fuzz targets".into())));

fn now() -> Timestamp {
    Timestamp::from_timestamp(1_790_000_000, 0).unwrap()
}

/// A token of ours with these parts, whatever they are.
fn signed(header: &[u8], claims: &[u8]) -> String {
    let signed = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
    let signature = SIGNING.key.sign(signed.as_bytes());
    format!("{signed}.{}", BASE64.encode(signature.to_bytes()))
}

/// Only what says of itself that it is valid now, and for this audience, is taken.
fn check_signed(header: &[u8], claims: &[u8]) {
    let token = signed(header, claims);
    for (audience, named) in [(Audience::Client, "comanda"), (Audience::Browser, "comanda:browser")] {
        let Ok(verified) = SIGNING.tokens.verify(&token, audience, now()) else { continue };
        assert!(verified.expires_at > now());
        let header: serde_json::Value = serde_json::from_slice(header).unwrap();
        assert_eq!((header["alg"].as_str(), header["kid"].as_str()), (Some("EdDSA"), Some(SIGNING.id.as_str())));
        let claims: serde_json::Value = serde_json::from_slice(claims).unwrap();
        // A list of audiences is none that we write, and is understood all the same (RFC 7519, section 4.1.3).
        let is_named =
            claims["aud"] == named || claims["aud"].as_array().is_some_and(|all| all.contains(&named.into()));
        assert!(is_named, "{claims}");
        assert_eq!(claims["iss"], "comanda");
        assert!(claims["nbf"].as_i64().unwrap() <= now().timestamp());
        assert_eq!(claims["sub"].as_str().unwrap().parse(), Ok(verified.actor.account_id.as_uuid()));
    }
}

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = std::str::from_utf8(input) {
        for audience in [Audience::Client, Audience::Browser] {
            assert!(SIGNING.tokens.verify(text, audience, now()).is_err(), "{text} was never signed");
        }
        let token = RefreshToken::new(text.to_owned());
        assert!(!matches!(REFRESH.session_of(&token), TokenClaim::Session(_)), "{text} was never issued");
    }
    // A header and, in the next line, claims. Without a header of its own, ours.
    let ours = format!(r#"{{"typ":"at+jwt","alg":"EdDSA","kid":"{}"}}"#, SIGNING.id);
    check_signed(ours.as_bytes(), input);
    if let Some(end) = input.iter().position(|byte| *byte == b'\n') {
        // The id of the key differs from run to run.
        let header = String::from_utf8_lossy(&input[..end]).replace("KID", &SIGNING.id);
        check_signed(header.as_bytes(), &input[end + 1..]);
    }
});
