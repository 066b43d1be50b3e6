//! Where a page of a list ended, as an opaque text that cannot be changed undetected.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use comanda_identity::{DerivedKeys, SecretKeys};
use serde::{Serialize, de::DeserializeOwned};

use crate::http::problem::{Code, Problem};

/// Signs and reads cursors.
#[derive(Clone)]
pub struct CursorSigner(DerivedKeys);

impl CursorSigner {
    /// How many bytes of the signature are kept: 128 bits.
    const TAG: usize = 16;

    /// Every server must accept the current key of every other.
    pub fn new(secrets: &SecretKeys) -> Self {
        Self(secrets.derive("comanda cursor v1"))
    }

    /// `list` names the list, so that a cursor of one does not fit another.
    pub fn sign<P: Serialize>(&self, list: &str, position: &P) -> String {
        // A position is a struct of texts and ids: serializing it cannot fail.
        self.sign_bytes(list, &serde_json::to_vec(position).unwrap_or_default())
    }

    /// Also for fuzz targets, which sign what is no position.
    pub fn sign_bytes(&self, list: &str, position: &[u8]) -> String {
        let tag = self.0.tag(&[list.as_bytes(), &[0], position]);
        BASE64.encode([&tag[..Self::TAG], position].concat())
    }

    pub fn read<P: DeserializeOwned>(&self, list: &str, cursor: &str) -> Result<P, Problem> {
        let invalid = || Problem::new(Code::InvalidCursor, "The cursor does not come from this list.");
        let bytes = BASE64.decode(cursor).map_err(|_| invalid())?;
        let (tag, position) = bytes.split_first_chunk::<{ Self::TAG }>().ok_or_else(invalid)?;
        if !self.0.verify(&[list.as_bytes(), &[0], position], tag) {
            return Err(invalid());
        }
        serde_json::from_slice(position).map_err(|_| invalid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(secret: &str) -> CursorSigner {
        CursorSigner::new(&SecretKeys::from(&secret.into()))
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
