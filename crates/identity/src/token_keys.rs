use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use ed25519_dalek::{
    SigningKey, VerifyingKey,
    pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, spki::der::pem::LineEnding},
};
use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::ed25519;

/// A key is not an Ed25519 key in PEM. The message does not repeat the key.
#[derive(Debug, Error)]
pub enum UnusableKey {
    #[error("JWT_SIGNING_KEY is not an Ed25519 private key (PKCS #8 PEM); `comanda keys generate` makes one")]
    Signing,
    #[error("JWT_VERIFICATION_KEYS are not Ed25519 keys, public or private, in PEM, one after the other")]
    Verification,
}

/// A new signing key, as PEM.
pub fn generate_signing_key() -> Result<SecretString, UnusableKey> {
    let key = SigningKey::from_bytes(&rand::random());
    key.to_pkcs8_pem(LineEnding::LF).map(|pem| pem.as_str().into()).map_err(|_| UnusableKey::Signing)
}

/// The public key of a signing key, both as PEM.
pub fn public_key_of(signing_pem: &SecretString) -> Result<String, UnusableKey> {
    let key = SigningKey::from_pkcs8_pem(signing_pem.expose_secret()).map_err(|_| UnusableKey::Signing)?;
    key.verifying_key().to_public_key_pem(LineEnding::LF).map_err(|_| UnusableKey::Signing)
}

/// The number of the next keys.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// The keys of access tokens, which may be replaced while a server serves. When the signing key is replaced, every
/// server must know the next one for verification before any signs with it, and the old one until its last token has
/// expired.
pub struct TokenKeys {
    now: RwLock<Arc<KeySet>>,
}

/// The key that signs tokens, and all keys that verify them.
pub(crate) struct KeySet {
    /// No other keys of this process have it.
    number: u64,
    signing_key: EncodingKey,
    signing_key_id: String,
    verifying: HashMap<String, DecodingKey>,
    public: Vec<VerifyingKey>,
}

impl TokenKeys {
    /// `signing_pem` is one private key; `verification_pems` are further keys, private or public, one after the other.
    pub fn new(signing_pem: &SecretString, verification_pems: &SecretString) -> Result<Self, UnusableKey> {
        let (signing_pem, verification_pems) = (signing_pem.expose_secret(), verification_pems.expose_secret());
        let signing = SigningKey::from_pkcs8_pem(signing_pem).map_err(|_| UnusableKey::Signing)?;
        let mut public = vec![signing.verifying_key()];
        for pem in blocks(verification_pems) {
            let key = SigningKey::from_pkcs8_pem(&pem)
                .map(|key| key.verifying_key())
                .or_else(|_| VerifyingKey::from_public_key_pem(&pem))
                .map_err(|_| UnusableKey::Verification)?;
            public.push(key);
        }
        let verifying = public.iter().map(|key| (key_id(key), DecodingKey::from_ed_der(key.as_bytes()))).collect();
        let signing_der = signing.to_pkcs8_der().map_err(|_| UnusableKey::Signing)?;
        ed25519::install();
        let keys = KeySet {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            signing_key: EncodingKey::from_ed_der(signing_der.as_bytes()),
            signing_key_id: key_id(&signing.verifying_key()),
            verifying,
            public,
        };
        Ok(Self { now: RwLock::new(Arc::new(keys)) })
    }

    /// Takes the place of these keys by others. Returns whether they differ.
    pub fn replace(&self, others: &Self) -> bool {
        let others = others.now();
        let before = std::mem::replace(&mut *self.now.write().unwrap_or_else(PoisonError::into_inner), others.clone());
        before.signing_key_id != others.signing_key_id || before.public != others.public
    }

    /// The keys of this moment.
    pub(crate) fn now(&self) -> Arc<KeySet> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The public keys for other services, as a JSON Web Key Set (RFC 7517, RFC 8037).
    pub fn public_set(&self) -> serde_json::Value {
        self.now().public_set()
    }
}

impl KeySet {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn signing_key(&self) -> &EncodingKey {
        &self.signing_key
    }

    pub(crate) fn signing_key_id(&self) -> &str {
        &self.signing_key_id
    }

    pub(crate) fn verifying_key(&self, id: &str) -> Option<&DecodingKey> {
        self.verifying.get(id)
    }

    fn public_set(&self) -> serde_json::Value {
        let key = |key: &VerifyingKey| {
            serde_json::json!({
                "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
                "kid": key_id(key), "x": BASE64.encode(key.as_bytes()),
            })
        };
        serde_json::json!({ "keys": self.public.iter().map(key).collect::<Vec<_>>() })
    }
}

fn blocks(pems: &str) -> Vec<String> {
    const END: &str = "-----END ";
    let mut rest = pems.trim();
    let mut blocks = Vec::new();
    while !rest.is_empty() {
        let end = rest.find(END).and_then(|at| rest[at + END.len()..].find("-----").map(|to| at + END.len() + to + 5));
        let (block, next) = rest.split_at(end.unwrap_or(rest.len()));
        blocks.push(format!("{}\n", block.trim()));
        rest = next.trim();
    }
    blocks
}

/// The thumbprint of the key as a JSON Web Key (RFC 7638).
fn key_id(key: &VerifyingKey) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, BASE64.encode(key.as_bytes()));
    BASE64.encode(Sha256::digest(canonical))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_rfc_8037() {
        // Appendix A.3 of the RFC.
        let bytes = BASE64.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let key = VerifyingKey::from_bytes(&bytes.try_into().unwrap()).unwrap();
        assert_eq!(key_id(&key), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn older_keys_go_on_verifying() {
        let (new, old, older) =
            (generate_signing_key().unwrap(), generate_signing_key().unwrap(), generate_signing_key().unwrap());
        let public = public_key_of(&older).unwrap();
        let keys = TokenKeys::new(&new, &format!("{}{public}", old.expose_secret()).into()).unwrap();
        for pem in [&new, &old, &older] {
            let id = TokenKeys::new(pem, &"".into()).unwrap().now().signing_key_id.clone();
            assert!(keys.now().verifying_key(&id).is_some());
        }
        assert_eq!(keys.public_set()["keys"].as_array().unwrap().len(), 3);
        assert!(TokenKeys::new(&new, &"nonsense".into()).is_err());
        assert!(TokenKeys::new(&public.into(), &"".into()).is_err());
    }
}
