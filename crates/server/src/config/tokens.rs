//! Access tokens.

use std::time::Duration;

use comanda_identity::{TokenKeys, generate_signing_key};
use secrecy::SecretString;

use super::{reader::Reader, secret::Secret, setting::settings};

settings! {
    /// How access tokens are signed, and how long they are valid.
    pub struct TokenConfig checked by check {
        JWT_SIGNING_KEY => signing_key: Secret,
            "An Ed25519 private key (PKCS #8 PEM) that signs access tokens, the same on every server: `comanda \
             keys generate`.";
        JWT_VERIFICATION_KEYS => verification_keys: Option<Secret> = "",
            "Ed25519 keys (PEM, public or private, one after the other) whose tokens are accepted as well: the next \
             key before `JWT_SIGNING_KEY` is replaced, and the earlier one afterwards. See docs/security.md.";
        JWT_ISSUER => issuer: String = "comanda",
            "The `iss` of access tokens.";
        JWT_AUDIENCE => audience: String = "comanda",
            "The `aud` of access tokens.";
        ACCESS_TOKEN_SECONDS => lifetime: Duration in 30..=3_600 s = 900,
            "How long an access token is valid.";
    }
}

/// Reads every key as `serve` would.
fn check(draft: &Draft, reader: &mut Reader) {
    if draft.signing_key.as_ref().is_some_and(|key| TokenKeys::new(key.as_ref(), &none()).is_err()) {
        let what = "is not an Ed25519 private key (PKCS #8 PEM); `comanda keys generate` makes one";
        reader.mistake(&JWT_SIGNING_KEY, what);
    }
    if let Some(Some(keys)) = &draft.verification_keys
        // Whatever the signing key is like.
        && generate_signing_key().and_then(|signing| TokenKeys::new(&signing, keys.as_ref())).is_err()
    {
        let what = "are not Ed25519 keys, public or private, in PEM, one after the other";
        reader.mistake(&JWT_VERIFICATION_KEYS, what);
    }
}

fn none() -> SecretString {
    String::new().into()
}

impl TokenConfig {
    pub fn keys(&self) -> anyhow::Result<TokenKeys> {
        let none = none();
        let verification = self.verification_keys.as_ref().map_or(&none, Secret::as_ref);
        Ok(TokenKeys::new(self.signing_key.as_ref(), verification)?)
    }
}
