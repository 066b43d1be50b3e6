use hmac::{Hmac, KeyInit, digest::Key};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// Derives a key for one purpose from the secret that all servers share. The label names the purpose. The secret has
/// enough entropy for a plain hash: no key stretching is needed.
pub fn derived_key(secret: &SecretString, label: &str) -> Hmac<Sha256> {
    let derived = Sha256::new().chain_update(label).chain_update([0]).chain_update(secret.expose_secret()).finalize();
    let mut key = Key::<Hmac<Sha256>>::default();
    key[..derived.len()].copy_from_slice(&derived);
    Hmac::new(&key)
}
