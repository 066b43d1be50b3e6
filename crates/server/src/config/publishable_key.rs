//! The key that names our account to Stripe in browsers.

use std::str::FromStr;

/// `pk_…`. Whoever opens a page sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishableKey(String);

#[derive(Debug, thiserror::Error)]
#[error("must be pk_ with letters, digits and underscores alone: a secret key, sk_…, would be shown to everybody")]
pub struct NotAPublishableKey;

impl PublishableKey {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PublishableKey {
    type Err = NotAPublishableKey;

    fn from_str(text: &str) -> Result<Self, NotAPublishableKey> {
        let rest = text.strip_prefix("pk_").ok_or(NotAPublishableKey)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if rest.is_empty() || !rest.bytes().all(is_plain) {
            return Err(NotAPublishableKey);
        }
        Ok(Self(text.to_owned()))
    }
}
