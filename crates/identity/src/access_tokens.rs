use std::{sync::Arc, time::Duration};

use comanda_domain::{
    Account, AccountId, Actor, Role, SessionId, Timestamp,
    ports::{AccessToken, AccessTokens, Audience, InvalidAccessToken, TokenSession, Unavailable, VerifiedToken},
};
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{TokenKeys, token_keys::KeySet};

/// Who issues tokens, whom they are for, and how long they are valid.
#[derive(Clone, Debug)]
pub struct TokenTerms {
    pub issuer: String,
    pub audience: String,
    /// How long a client's token is valid. The client then exchanges its refresh token for the next one.
    pub client_lifetime: Duration,
    /// How long a browser's token is valid: as long as its session.
    pub browser_lifetime: Duration,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: Uuid,
    sid: Uuid,
    role: String,
    iss: String,
    aud: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: Uuid,
}

/// JSON Web Tokens (RFC 7519), signed with Ed25519 (RFC 8037) and nothing else: the algorithm a token names is
/// compared, never obeyed. Browsers' tokens have an audience of their own, so that a token taken from a cookie does not
/// work as a bearer token.
pub struct JwtAccessTokens {
    keys: Arc<TokenKeys>,
    terms: TokenTerms,
    client: Validation,
    browser: Validation,
    /// Tokens whose signature was verified a moment ago, with what they prove. Verifying a signature takes longer than
    /// everything else a server does for an order.
    verified: Cache<String, Proof>,
}

#[derive(Clone, Copy)]
struct Proof {
    /// By the keys of then.
    keys: u64,
    verified: VerifiedToken,
    audience: Audience,
    expires_at: i64,
}

impl JwtAccessTokens {
    /// How long a verified signature is not verified again.
    const CACHE_LIFETIME: Duration = Duration::from_secs(30);
    const CACHE_CAPACITY: u64 = 10_000;
    /// How far the clocks of two servers may be apart: a token is valid from that long before it is issued, so that a
    /// server whose clock is behind takes it at once. Nobody's token is taken before it says that it is valid.
    const CLOCK_SKEW_SECONDS: i64 = 300;

    pub fn new(keys: Arc<TokenKeys>, terms: TokenTerms) -> Self {
        let validation = |audience: Audience| {
            let mut validation = Validation::new(Algorithm::EdDSA);
            validation.set_issuer(&[&terms.issuer]);
            validation.set_audience(&[audience_claim(&terms, audience)]);
            validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
            // Times are compared below, using the caller's clock.
            validation.validate_exp = false;
            validation.validate_nbf = false;
            validation
        };
        let (client, browser) = (validation(Audience::Client), validation(Audience::Browser));
        let verified = Cache::builder().max_capacity(Self::CACHE_CAPACITY).time_to_live(Self::CACHE_LIFETIME).build();
        Self { keys, terms, client, browser, verified }
    }

    fn check(
        &self,
        keys: &KeySet,
        token: &str,
        audience: Audience,
        now: Timestamp,
    ) -> Result<Proof, InvalidAccessToken> {
        let header = decode_header(token).map_err(|_| InvalidAccessToken)?;
        if !is_access_token(&header) {
            return Err(InvalidAccessToken);
        }
        let key_id = header.kid.ok_or(InvalidAccessToken)?;
        let key = keys.verifying_key(&key_id).ok_or(InvalidAccessToken)?;
        let validation = match audience {
            Audience::Client => &self.client,
            Audience::Browser => &self.browser,
        };
        let claims = decode::<Claims>(token, key, validation).map_err(|_| InvalidAccessToken)?.claims;
        if now.timestamp() < claims.nbf {
            return Err(InvalidAccessToken);
        }
        let role: Role = claims.role.parse().map_err(|_| InvalidAccessToken)?;
        let actor = Actor { account_id: AccountId::new(claims.sub), role, session_id: SessionId::new(claims.sid) };
        let issued_at = Timestamp::from_timestamp(claims.iat, 0).ok_or(InvalidAccessToken)?;
        let expires_at = Timestamp::from_timestamp(claims.exp, 0).ok_or(InvalidAccessToken)?;
        Ok(Proof {
            keys: keys.number(),
            verified: VerifiedToken { actor, issued_at, expires_at },
            audience,
            expires_at: claims.exp,
        })
    }
}

/// Whether the header says that this is an access token (RFC 9068), and asks for nothing that is not understood here
/// (RFC 7515, section 4.1.11). Earlier servers wrote `JWT`.
fn is_access_token(header: &Header) -> bool {
    let typ = header.typ.as_deref().unwrap_or_default().to_ascii_lowercase();
    let typ = typ.strip_prefix("application/").unwrap_or(&typ);
    header.crit.is_none() && matches!(typ, TYP | "jwt")
}

/// The `typ` of access tokens (RFC 9068): no other signed document can pass for one.
const TYP: &str = "at+jwt";

fn audience_claim(terms: &TokenTerms, audience: Audience) -> String {
    match audience {
        Audience::Client => terms.audience.clone(),
        Audience::Browser => format!("{}:browser", terms.audience),
    }
}

impl AccessTokens for JwtAccessTokens {
    fn issue(
        &self,
        account: &Account,
        session: TokenSession,
        audience: Audience,
        now: Timestamp,
    ) -> Result<AccessToken, Unavailable> {
        let lifetime = match audience {
            Audience::Client => self.terms.client_lifetime,
            Audience::Browser => self.terms.browser_lifetime,
        };
        let left = (session.ends_at - now).to_std().unwrap_or(Duration::ZERO);
        let lifetime = u32::try_from(lifetime.min(left).as_secs()).unwrap_or(u32::MAX);
        let issued_at = now.timestamp();
        let claims = Claims {
            sub: account.id.as_uuid(),
            sid: session.id.as_uuid(),
            role: account.role.as_str().to_owned(),
            iss: self.terms.issuer.clone(),
            aud: audience_claim(&self.terms, audience),
            iat: issued_at,
            nbf: issued_at - Self::CLOCK_SKEW_SECONDS,
            exp: issued_at + i64::from(lifetime),
            jti: Uuid::now_v7(),
        };
        let keys = self.keys.now();
        let (typ, kid) = (Some(TYP.to_owned()), Some(keys.signing_key_id().to_owned()));
        let header = Header { typ, kid, ..Header::new(Algorithm::EdDSA) };
        let token = encode(&header, &claims, keys.signing_key()).map_err(Unavailable::new)?;
        Ok(AccessToken { token, expires_in: lifetime })
    }

    fn verify(&self, token: &str, audience: Audience, now: Timestamp) -> Result<VerifiedToken, InvalidAccessToken> {
        let keys = self.keys.now();
        // What a key that was taken away has verified counts no longer.
        let proof = match self.verified.get(token).filter(|cached| cached.keys == keys.number()) {
            Some(cached) => cached,
            None => {
                let checked = self.check(&keys, token, audience, now)?;
                self.verified.insert(token.to_owned(), checked);
                checked
            }
        };
        let valid = proof.audience == audience && now.timestamp() < proof.expires_at;
        if valid { Ok(proof.verified) } else { Err(InvalidAccessToken) }
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::{Email, PersonName};
    use ed25519_dalek::{
        SigningKey,
        pkcs8::{DecodePrivateKey, EncodePublicKey, spki::der::pem::LineEnding},
    };
    use hmac::{Hmac, KeyInit, Mac};
    use secrecy::ExposeSecret;
    use sha2::Sha256;

    use super::*;
    use crate::generate_signing_key;

    fn now() -> Timestamp {
        Timestamp::from_timestamp_millis(1_790_000_000_000).unwrap()
    }

    fn session() -> TokenSession {
        TokenSession { id: SessionId::new(Uuid::from_u128(8)), ends_at: now() + chrono::TimeDelta::hours(20) }
    }

    fn account() -> Account {
        Account {
            id: AccountId::new(Uuid::from_u128(7)),
            email: Email::new("ana@example.org").unwrap(),
            name: PersonName::new("Ana").unwrap(),
            role: Role::Staff,
            disabled: false,
            email_verified: true,
            created_at: now(),
        }
    }

    fn new_pem() -> String {
        generate_signing_key().unwrap().expose_secret().to_owned()
    }

    fn tokens(pem: &str, issuer: &str, audience: &str) -> JwtAccessTokens {
        let terms = TokenTerms {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            client_lifetime: Duration::from_mins(15),
            browser_lifetime: Duration::from_hours(12),
        };
        let keys = TokenKeys::new(&pem.into(), &"".into()).unwrap();
        JwtAccessTokens::new(Arc::new(keys), terms)
    }

    #[test]
    fn a_token_proves_who_and_until_when() {
        let tokens = tokens(&new_pem(), "comanda", "comanda");
        let token = tokens.issue(&account(), session(), Audience::Client, now()).unwrap().token;
        let actor = Actor { account_id: account().id, role: Role::Staff, session_id: session().id };
        let at = |seconds| now() + chrono::TimeDelta::seconds(seconds);
        let expected = Ok(VerifiedToken { actor, issued_at: now(), expires_at: at(900) });
        for _ in 0..2 {
            assert_eq!(tokens.verify(&token, Audience::Client, at(0)), expected);
            assert_eq!(tokens.verify(&token, Audience::Client, at(899)), expected);
            assert_eq!(tokens.verify(&token, Audience::Client, at(900)), Err(InvalidAccessToken), "also when cached");
        }
    }

    #[test]
    fn servers_whose_clocks_are_five_minutes_apart_take_each_others_tokens() {
        let tokens = tokens(&new_pem(), "comanda", "comanda");
        for audience in [Audience::Client, Audience::Browser] {
            let token = tokens.issue(&account(), session(), audience, now()).unwrap().token;
            let at = |seconds| now() + chrono::TimeDelta::seconds(seconds);
            assert_eq!(tokens.verify(&token, audience, at(-301)), Err(InvalidAccessToken));
            let behind = tokens.verify(&token, audience, at(-300)).unwrap();
            assert_eq!(tokens.verify(&token, audience, at(300)), Ok(behind));
            assert_eq!(behind.issued_at, now(), "which is what a session is renewed by");
        }
    }

    #[test]
    fn no_token_outlives_its_session() {
        let tokens = tokens(&new_pem(), "comanda", "comanda");
        let ending = TokenSession { ends_at: now() + chrono::TimeDelta::seconds(60), ..session() };
        let token = tokens.issue(&account(), ending, Audience::Client, now()).unwrap();
        assert_eq!(token.expires_in, 60);
        let after = now() + chrono::TimeDelta::seconds(60);
        assert_eq!(tokens.verify(&token.token, Audience::Client, after), Err(InvalidAccessToken));
    }

    #[test]
    fn a_browsers_token_is_no_bearer_token_and_the_other_way_round() {
        let tokens = tokens(&new_pem(), "comanda", "comanda");
        for (audience, other) in [(Audience::Client, Audience::Browser), (Audience::Browser, Audience::Client)] {
            let token = tokens.issue(&account(), session(), audience, now()).unwrap().token;
            assert_eq!(tokens.verify(&token, other, now()), Err(InvalidAccessToken));
            assert!(tokens.verify(&token, audience, now()).is_ok());
            assert_eq!(tokens.verify(&token, other, now()), Err(InvalidAccessToken), "also when cached");
        }
    }

    #[test]
    fn refuses_other_issuers_audiences_keys_and_changed_tokens() {
        let pem = new_pem();
        let ours = tokens(&pem, "comanda", "comanda");
        for other in [
            tokens(&pem, "someone", "comanda"),
            tokens(&pem, "comanda", "someone"),
            tokens(&new_pem(), "comanda", "comanda"),
        ] {
            let token = other.issue(&account(), session(), Audience::Client, now()).unwrap().token;
            assert_eq!(ours.verify(&token, Audience::Client, now()), Err(InvalidAccessToken));
        }
        let token = ours.issue(&account(), session(), Audience::Client, now()).unwrap().token;
        let (head, signature) = token.rsplit_once('.').unwrap();
        for forged in [format!("{head}."), format!("{head}x.{signature}"), "a.b.c".to_owned(), String::new()] {
            assert_eq!(ours.verify(&forged, Audience::Client, now()), Err(InvalidAccessToken));
        }
    }

    #[test]
    fn the_header_must_say_access_token_and_ask_for_nothing_else() {
        let pem = new_pem();
        let ours = tokens(&pem, "comanda", "comanda");
        let token = ours.issue(&account(), session(), Audience::Client, now()).unwrap().token;
        let header = decode_header(&token).unwrap();
        assert_eq!(header.typ.as_deref(), Some("at+jwt"));
        let claims: Claims =
            decode(&token, ours.keys.now().verifying_key(header.kid.as_ref().unwrap()).unwrap(), &ours.client)
                .unwrap()
                .claims;
        let with = |typ: Option<&str>, crit: Option<Vec<String>>| {
            let header = Header { typ: typ.map(str::to_owned), crit, ..header.clone() };
            let token = encode(&header, &claims, ours.keys.now().signing_key()).unwrap();
            ours.verify(&token, Audience::Client, now())
        };
        for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "JWT"] {
            assert!(with(Some(typ), None).is_ok(), "{typ}");
        }
        for typ in [None, Some(""), Some("id+jwt"), Some("logout+jwt"), Some("JWS")] {
            assert_eq!(with(typ, None), Err(InvalidAccessToken), "{typ:?}");
        }
        for critical in [vec!["exp".to_owned()], vec!["b64".to_owned()], vec![]] {
            assert_eq!(with(Some("at+jwt"), Some(critical.clone())), Err(InvalidAccessToken), "{critical:?}");
        }
    }

    #[test]
    fn the_token_does_not_choose_its_algorithm() {
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as B64};

        let pem = new_pem();
        let ours = tokens(&pem, "comanda", "comanda");
        let token = ours.issue(&account(), session(), Audience::Client, now()).unwrap().token;
        let claims = token.split('.').nth(1).unwrap();

        let none = format!("{}.{claims}.", B64.encode(r#"{"alg":"none","typ":"JWT"}"#));
        assert_eq!(ours.verify(&none, Audience::Client, now()), Err(InvalidAccessToken));

        // The old trick: the public key, which is no secret, as the key of an HMAC.
        let public =
            SigningKey::from_pkcs8_pem(&pem).unwrap().verifying_key().to_public_key_pem(LineEnding::LF).unwrap();
        let key_id = decode_header(&token).unwrap().kid.unwrap();
        let header = B64.encode(format!(r#"{{"alg":"HS256","typ":"JWT","kid":"{key_id}"}}"#));
        let mut mac = Hmac::<Sha256>::new_from_slice(public.as_bytes()).unwrap();
        mac.update(format!("{header}.{claims}").as_bytes());
        let hmac = format!("{header}.{claims}.{}", B64.encode(mac.finalize().into_bytes()));
        assert_eq!(ours.verify(&hmac, Audience::Client, now()), Err(InvalidAccessToken));
    }
}
