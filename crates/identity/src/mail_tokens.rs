use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use comanda_domain::{MailToken, MailTokenHash, ports::MailTokens};
use sha2::{Digest, Sha256};

/// Tokens of 256 random bits, stored as plain hashes: what is random enough needs no salt.
pub struct RandomMailTokens;

impl MailTokens for RandomMailTokens {
    fn generate(&self) -> MailToken {
        loop {
            // 32 bytes always have the right form.
            if let Ok(token) = MailToken::new(&BASE64.encode(rand::random::<[u8; 32]>())) {
                return token;
            }
        }
    }

    fn hash(&self, token: &MailToken) -> MailTokenHash {
        MailTokenHash::new(Sha256::digest(token.expose()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_so_do_their_hashes() {
        let (one, other) = (RandomMailTokens.generate(), RandomMailTokens.generate());
        assert_ne!(one, other);
        assert_ne!(RandomMailTokens.hash(&one), RandomMailTokens.hash(&other));
        assert_eq!(RandomMailTokens.hash(&one), RandomMailTokens.hash(&one.clone()));
    }
}
