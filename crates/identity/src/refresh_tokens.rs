use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use comanda_domain::{RefreshToken, RefreshTokenHash, ports::RefreshTokens};
use hmac::{Hmac, Mac};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use crate::derived_key;

/// A session's first refresh token is 256 random bits; each next one is an HMAC of the one before. A client's parallel
/// requests therefore get the same successor, although only hashes are stored.
pub struct ChainedRefreshTokens(Hmac<Sha256>);

impl ChainedRefreshTokens {
    /// `secret_key` must be the same on every server.
    pub fn new(secret_key: &SecretString) -> Self {
        Self(derived_key(secret_key, "comanda refresh token v1"))
    }
}

impl RefreshTokens for ChainedRefreshTokens {
    fn generate(&self) -> RefreshToken {
        RefreshToken::new(BASE64.encode(rand::random::<[u8; 32]>()))
    }

    fn successor(&self, token: &RefreshToken) -> RefreshToken {
        let next = self.0.clone().chain_update(token.expose()).finalize().into_bytes();
        RefreshToken::new(BASE64.encode(next))
    }

    fn hash(&self, token: &RefreshToken) -> RefreshTokenHash {
        RefreshTokenHash::new(Sha256::digest(token.expose()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_is_always_the_same_and_nobody_elses() {
        let tokens = |secret: &str| ChainedRefreshTokens::new(&secret.into());
        let (ours, first) = (tokens("a"), tokens("a").generate());
        assert_eq!(first.expose().len(), 43);
        assert_eq!(ours.successor(&first), ours.successor(&first));
        assert_ne!(ours.successor(&first), tokens("b").successor(&first));
        assert_ne!(ours.hash(&first), ours.hash(&ours.successor(&first)));
        assert_ne!(ours.generate(), ours.generate());
    }
}
