use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use comanda_domain::{
    RefreshToken, RefreshTokenHash, SealedToken, SessionId,
    ports::{RefreshTokens, TokenClaim, Unavailable},
};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    error::Unspecified,
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{DerivedKeys, SecretKeys};

/// Refresh tokens: a session's id, 256 random bits, and a tag by which servers recognize a token as their own long
/// after its row is gone. The tag is no credential: whoever knows the servers' key can make tokens that are recognized,
/// and all that they do is close their session.
pub struct OpaqueRefreshTokens(DerivedKeys);

const SESSION: usize = 16;
const SECRET: usize = 32;
const TAG: usize = 16;

impl OpaqueRefreshTokens {
    /// Every server must accept the current key of every other.
    pub fn new(secrets: &SecretKeys) -> Self {
        Self(secrets.derive("comanda refresh token v2"))
    }
}

/// A key that seals one message: each token has one successor.
fn sealing_key(predecessor: &RefreshToken) -> Result<LessSafeKey, Unspecified> {
    let label = "comanda refresh successor v1";
    let key = Sha256::new().chain_update(label).chain_update([0]).chain_update(predecessor.expose()).finalize();
    Ok(LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key)?))
}

impl RefreshTokens for OpaqueRefreshTokens {
    fn generate(&self, session: SessionId) -> RefreshToken {
        let mut token = Vec::with_capacity(SESSION + SECRET + TAG);
        token.extend_from_slice(session.as_uuid().as_bytes());
        token.extend_from_slice(&rand::random::<[u8; SECRET]>());
        let tag = self.0.tag(&[&token]);
        token.extend_from_slice(&tag[..TAG]);
        RefreshToken::new(BASE64.encode(token))
    }

    fn session_of(&self, token: &RefreshToken) -> TokenClaim {
        let bytes = BASE64.decode(token.expose()).unwrap_or_default();
        // Tokens of releases that had no tags are shorter.
        let Ok(bytes) = <[u8; SESSION + SECRET + TAG]>::try_from(bytes) else { return TokenClaim::Nothing };
        let Some((signed, tag)) = bytes.split_last_chunk::<TAG>() else { return TokenClaim::Nothing };
        let session = signed.first_chunk::<SESSION>().filter(|_| self.0.verify(&[signed], tag));
        session.map_or(TokenClaim::Foreign, |id| TokenClaim::Session(SessionId::new(Uuid::from_bytes(*id))))
    }

    fn hash(&self, token: &RefreshToken) -> RefreshTokenHash {
        RefreshTokenHash::new(Sha256::digest(token.expose()).into())
    }

    fn seal(&self, successor: &RefreshToken, predecessor: &RefreshToken) -> Result<SealedToken, Unavailable> {
        let nonce = rand::random::<[u8; NONCE_LEN]>();
        let mut sealed = successor.expose().as_bytes().to_vec();
        sealing_key(predecessor)
            .and_then(|key| {
                key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)
            })
            .map_err(|_: Unspecified| Unavailable::new("a refresh token could not be encrypted"))?;
        Ok(SealedToken::new([&nonce, &*sealed].concat()))
    }

    fn open(&self, sealed: &SealedToken, predecessor: &RefreshToken) -> Option<RefreshToken> {
        let (nonce, sealed) = sealed.as_bytes().split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = sealed.to_vec();
        let key = sealing_key(predecessor).ok()?;
        let opened = key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut sealed).ok()?;
        String::from_utf8(opened.to_vec()).ok().map(RefreshToken::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(secret: &str) -> OpaqueRefreshTokens {
        OpaqueRefreshTokens::new(&SecretKeys::from(&secret.into()))
    }

    fn session(n: u128) -> SessionId {
        SessionId::new(Uuid::from_u128(n))
    }

    #[test]
    fn a_token_is_random_and_proves_its_session() {
        let ours = tokens("a");
        let token = ours.generate(session(7));
        assert_eq!(token.expose().len(), 86);
        assert_ne!(token, ours.generate(session(7)));
        assert_eq!(ours.session_of(&token), TokenClaim::Session(session(7)));
        assert_eq!(tokens("b").session_of(&token), TokenClaim::Foreign, "another deployment's");
        assert_ne!(ours.hash(&token), ours.hash(&ours.generate(session(7))));
    }

    #[test]
    fn a_token_that_was_changed_proves_nothing() {
        let ours = tokens("a");
        let token = ours.generate(session(7));
        let bytes = BASE64.decode(token.expose()).unwrap();
        for at in [0, SESSION, bytes.len() - 1] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let changed = RefreshToken::new(BASE64.encode(changed));
            assert_eq!(ours.session_of(&changed), TokenClaim::Foreign, "byte {at}");
        }
        for odd in ["", "nonsense", &token.expose()[1..], &BASE64.encode([0; 32])] {
            assert_eq!(ours.session_of(&RefreshToken::new(odd.to_owned())), TokenClaim::Nothing, "{odd}");
        }
    }

    #[test]
    fn a_sealed_successor_opens_with_its_predecessor_and_with_nothing_else() {
        let ours = tokens("a");
        let (first, second) = (ours.generate(session(7)), ours.generate(session(7)));
        let sealed = ours.seal(&second, &first).unwrap();
        assert_eq!(ours.open(&sealed, &first), Some(second.clone()));
        // The servers' key plays no part: knowing it and the tables is not enough.
        assert_eq!(tokens("b").open(&sealed, &first), Some(second.clone()));
        assert_eq!(ours.open(&sealed, &second), None);
        assert_eq!(ours.open(&SealedToken::new(vec![0; 5]), &first), None);
        assert_ne!(sealed, ours.seal(&second, &first).unwrap());
    }
}
