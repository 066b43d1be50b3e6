//! Where a page of a list ended, as an opaque text that cannot be changed undetected.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use comanda_identity::derived_key;
use hmac::{Hmac, Mac};
use serde::{Serialize, de::DeserializeOwned};
use sha2::Sha256;

use crate::{
    config::Secret,
    http::problem::{Code, Problem},
};

/// Signs and reads cursors.
#[derive(Clone)]
pub struct CursorSigner(Hmac<Sha256>);

impl CursorSigner {
    /// How many bytes of the signature are kept: 128 bits.
    const TAG: usize = 16;

    /// Every server needs the same key.
    pub fn new(secret_key: &Secret) -> Self {
        Self(derived_key(secret_key.as_ref(), "comanda cursor v1"))
    }

    /// `list` names the list, so that a cursor of one does not fit another.
    pub fn sign<P: Serialize>(&self, list: &str, position: &P) -> String {
        // A position is a struct of texts and ids: serializing it cannot fail.
        let position = serde_json::to_vec(position).unwrap_or_default();
        let mut cursor = self.tag(list, &position);
        cursor.extend(position);
        BASE64.encode(cursor)
    }

    pub fn read<P: DeserializeOwned>(&self, list: &str, cursor: &str) -> Result<P, Problem> {
        let invalid = || Problem::new(Code::InvalidCursor, "The cursor does not come from this list.");
        let bytes = BASE64.decode(cursor).map_err(|_| invalid())?;
        let (tag, position) = bytes.split_at_checked(Self::TAG).ok_or_else(invalid)?;
        self.mac(list, position).verify_truncated_left(tag).map_err(|_| invalid())?;
        serde_json::from_slice(position).map_err(|_| invalid())
    }

    fn mac(&self, list: &str, position: &[u8]) -> Hmac<Sha256> {
        self.0.clone().chain_update(list).chain_update([0]).chain_update(position)
    }

    fn tag(&self, list: &str, position: &[u8]) -> Vec<u8> {
        let mut tag = self.mac(list, position).finalize().into_bytes().to_vec();
        tag.truncate(Self::TAG);
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(secret: &str) -> CursorSigner {
        CursorSigner::new(&Secret::new(secret.to_owned()))
    }

    #[test]
    fn reads_what_it_signed_and_nothing_else() {
        let cursor = signer("a").sign("orders", &42);
        assert_eq!(signer("a").read::<u32>("orders", &cursor).unwrap(), 42);
        assert!(signer("b").read::<u32>("orders", &cursor).is_err());
        assert!(signer("a").read::<u32>("menu-items", &cursor).is_err());
        for position in 0..cursor.len() {
            let mut changed = cursor.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            assert!(signer("a").read::<u32>("orders", std::str::from_utf8(&changed).unwrap()).is_err());
        }
        for odd in ["", "A", "AAAA", "ключ"] {
            assert_eq!(signer("a").read::<u32>("orders", odd).unwrap_err().code, Code::InvalidCursor);
        }
    }
}
