use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use comanda_domain::{
    ports::RefreshTokens,
    session::{RefreshToken, RefreshTokenHash},
};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use super::derived_key;
use crate::config::Secret;

/// 256 random bits at the start of a session, and from then on an HMAC of the token before: a client's parallel requests get the
/// same successor although only hashes are stored.
pub struct ChainedRefreshTokens(Hmac<Sha256>);

impl ChainedRefreshTokens {
    /// Every server needs the same key.
    pub fn new(secret_key: &Secret) -> Self {
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
        let tokens = |secret: &str| ChainedRefreshTokens::new(&Secret::new(secret.to_owned()));
        let (ours, first) = (tokens("a"), tokens("a").generate());
        assert_eq!(first.expose().len(), 43);
        assert_eq!(ours.successor(&first), ours.successor(&first));
        assert_ne!(ours.successor(&first), tokens("b").successor(&first));
        assert_ne!(ours.hash(&first), ours.hash(&ours.successor(&first)));
        assert_ne!(ours.generate(), ours.generate());
    }
}
