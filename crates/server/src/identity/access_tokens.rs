use std::time::Duration;

use comanda_domain::{
    Timestamp,
    account::{Account, Actor, Role},
    ids::AccountId,
    ports::{AccessToken, AccessTokens, InvalidAccessToken},
};
use ed25519_dalek::{
    SigningKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, spki::der::pem::LineEnding},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

/// The key is not an Ed25519 private key in PKCS #8 PEM. The key itself is left out.
#[derive(Debug, Error)]
#[error("JWT_SIGNING_KEY is not an Ed25519 private key (PKCS #8 PEM); `comanda keys generate` makes one")]
pub struct UnusableSigningKey;

/// A new signing key, as PEM.
pub fn generate_signing_key() -> Result<String, UnusableSigningKey> {
    let key = SigningKey::from_bytes(&rand::random());
    key.to_pkcs8_pem(LineEnding::LF).map(|pem| pem.as_str().to_owned()).map_err(|_| UnusableSigningKey)
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: Uuid,
    role: String,
    iss: String,
    aud: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: Uuid,
}

/// JSON Web Tokens (RFC 7519) signed with Ed25519 (RFC 8037) and nothing else: what the token says of its algorithm is compared,
/// never obeyed.
pub struct JwtAccessTokens {
    signing_key: EncodingKey,
    verifying_key: DecodingKey,
    validation: Validation,
    issuer: String,
    audience: String,
    lifetime: Duration,
    /// Tokens whose signature was checked a moment ago, with whom they prove and until when. Checking a signature takes longer
    /// than everything else a server does for an order.
    verified: Cache<String, (Actor, i64)>,
}

impl JwtAccessTokens {
    /// For how long a signature that was checked is not checked again.
    const REMEMBERED: Duration = Duration::from_secs(30);
    const MOST_REMEMBERED: u64 = 10_000;

    pub fn new(pem: &str, issuer: String, audience: String, lifetime: Duration) -> Result<Self, UnusableSigningKey> {
        let key = SigningKey::from_pkcs8_pem(pem).map_err(|_| UnusableSigningKey)?;
        let public_pem = key.verifying_key().to_public_key_pem(LineEnding::LF).map_err(|_| UnusableSigningKey)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&issuer]);
        validation.set_audience(&[&audience]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // Times are compared below, with the caller's clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Ok(Self {
            signing_key: EncodingKey::from_ed_pem(pem.as_bytes()).map_err(|_| UnusableSigningKey)?,
            verifying_key: DecodingKey::from_ed_pem(public_pem.as_bytes()).map_err(|_| UnusableSigningKey)?,
            validation,
            issuer,
            audience,
            lifetime,
            verified: Cache::builder().max_capacity(Self::MOST_REMEMBERED).time_to_live(Self::REMEMBERED).build(),
        })
    }

    fn check(&self, token: &str, now: Timestamp) -> Result<(Actor, i64), InvalidAccessToken> {
        let claims =
            decode::<Claims>(token, &self.verifying_key, &self.validation).map_err(|_| InvalidAccessToken)?.claims;
        if now.timestamp() < claims.nbf {
            return Err(InvalidAccessToken);
        }
        let role: Role = claims.role.parse().map_err(|_| InvalidAccessToken)?;
        Ok((Actor { account_id: AccountId::new(claims.sub), role }, claims.exp))
    }
}

impl AccessTokens for JwtAccessTokens {
    fn issue(&self, account: &Account, now: Timestamp) -> AccessToken {
        let lifetime = u32::try_from(self.lifetime.as_secs()).unwrap_or(u32::MAX);
        let issued_at = now.timestamp();
        let claims = Claims {
            sub: account.id.as_uuid(),
            role: account.role.as_str().to_owned(),
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            iat: issued_at,
            nbf: issued_at,
            exp: issued_at + i64::from(lifetime),
            jti: Uuid::now_v7(),
        };
        // Fails only for a key that is none, which `new` has refused.
        let token = encode(&Header::new(Algorithm::EdDSA), &claims, &self.signing_key).unwrap_or_default();
        AccessToken { token, expires_in: lifetime }
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<Actor, InvalidAccessToken> {
        let (actor, expires_at) = match self.verified.get(token) {
            Some(remembered) => remembered,
            None => {
                let checked = self.check(token, now)?;
                self.verified.insert(token.to_owned(), checked);
                checked
            }
        };
        if now.timestamp() < expires_at { Ok(actor) } else { Err(InvalidAccessToken) }
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::{email::Email, text::PersonName};

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_timestamp_millis(1_790_000_000_000).unwrap()
    }

    fn account() -> Account {
        Account {
            id: AccountId::new(Uuid::from_u128(7)),
            email: Email::new("ana@example.org").unwrap(),
            name: PersonName::new("Ana").unwrap(),
            role: Role::Staff,
            disabled: false,
            created_at: now(),
        }
    }

    fn tokens(pem: &str, issuer: &str, audience: &str) -> JwtAccessTokens {
        JwtAccessTokens::new(pem, issuer.to_owned(), audience.to_owned(), Duration::from_mins(15)).unwrap()
    }

    #[test]
    fn a_token_proves_who_and_until_when() {
        let tokens = tokens(&generate_signing_key().unwrap(), "comanda", "comanda");
        let token = tokens.issue(&account(), now()).token;
        let expected = Ok(Actor { account_id: account().id, role: Role::Staff });
        let at = |seconds| now() + chrono::TimeDelta::seconds(seconds);
        for _ in 0..2 {
            assert_eq!(tokens.verify(&token, at(0)), expected);
            assert_eq!(tokens.verify(&token, at(899)), expected);
            assert_eq!(tokens.verify(&token, at(900)), Err(InvalidAccessToken), "also when remembered");
        }
        let early = tokens.issue(&account(), at(60)).token;
        assert_eq!(tokens.verify(&early, at(0)), Err(InvalidAccessToken));
    }

    #[test]
    fn refuses_other_issuers_audiences_keys_and_changed_tokens() {
        let pem = generate_signing_key().unwrap();
        let ours = tokens(&pem, "comanda", "comanda");
        for other in [
            tokens(&pem, "someone", "comanda"),
            tokens(&pem, "comanda", "someone"),
            tokens(&generate_signing_key().unwrap(), "comanda", "comanda"),
        ] {
            let token = other.issue(&account(), now()).token;
            assert_eq!(ours.verify(&token, now()), Err(InvalidAccessToken));
        }
        let token = ours.issue(&account(), now()).token;
        let (head, signature) = token.rsplit_once('.').unwrap();
        for forged in [format!("{head}."), format!("{head}x.{signature}"), "a.b.c".to_owned(), String::new()] {
            assert_eq!(ours.verify(&forged, now()), Err(InvalidAccessToken));
        }
    }

    #[test]
    fn the_token_does_not_choose_its_algorithm() {
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as B64};

        let pem = generate_signing_key().unwrap();
        let ours = tokens(&pem, "comanda", "comanda");
        let token = ours.issue(&account(), now()).token;
        let claims = token.split('.').nth(1).unwrap();

        let none = format!("{}.{claims}.", B64.encode(r#"{"alg":"none","typ":"JWT"}"#));
        assert_eq!(ours.verify(&none, now()), Err(InvalidAccessToken));

        // The old trick: the public key, which is no secret, as the key of an HMAC.
        let public =
            SigningKey::from_pkcs8_pem(&pem).unwrap().verifying_key().to_public_key_pem(LineEnding::LF).unwrap();
        let claims: Claims = serde_json::from_slice(&B64.decode(claims).unwrap()).unwrap();
        let hmac =
            encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(public.as_bytes())).unwrap();
        assert_eq!(ours.verify(&hmac, now()), Err(InvalidAccessToken));
    }
}
