use hmac::{Hmac, KeyInit, digest::Key};
use sha2::{Digest, Sha256};

use crate::config::Secret;

/// A key for one purpose, from the secret that all servers share. The label keeps it apart from the others; the secret is random
/// enough for a plain hash.
pub fn derived_key(secret: &Secret, label: &str) -> Hmac<Sha256> {
    let derived = Sha256::new().chain_update(label).chain_update([0]).chain_update(secret.expose()).finalize();
    let mut key = Key::<Hmac<Sha256>>::default();
    key[..derived.len()].copy_from_slice(&derived);
    Hmac::new(&key)
}
