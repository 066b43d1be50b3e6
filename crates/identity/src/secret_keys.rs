use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use hmac::{Hmac, KeyInit, Mac, digest::Key};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// The secret that all servers share, and the earlier or next ones that are accepted beside it while servers are
/// restarted one after the other. They may be replaced while a server serves.
pub struct SecretKeys {
    secrets: Mutex<Secrets>,
    /// What was derived from them, and follows.
    derived: Mutex<Vec<DerivedKeys>>,
}

struct Secrets {
    current: SecretString,
    accepted: Vec<SecretString>,
}

impl Secrets {
    fn derive(&self, label: &str) -> Arc<Keys> {
        let accepted = self.accepted.iter().map(|secret| derived_key(secret, label)).collect();
        Arc::new(Keys { current: derived_key(&self.current, label), accepted })
    }

    fn are(&self, others: &Self) -> bool {
        let exposed = |secrets: &Self| -> Vec<String> {
            let all = [&secrets.current].into_iter().chain(&secrets.accepted);
            all.map(|secret| secret.expose_secret().to_owned()).collect()
        };
        exposed(self) == exposed(others)
    }
}

impl SecretKeys {
    /// Whatever is new is made with `current`; what was made with one of `accepted` is recognized as well.
    pub fn new(current: SecretString, accepted: Vec<SecretString>) -> Self {
        Self { secrets: Mutex::new(Secrets { current, accepted }), derived: Mutex::default() }
    }

    /// Keys for one purpose, which the label names.
    pub fn derive(&self, label: &'static str) -> DerivedKeys {
        let keys = DerivedKeys { label, now: Arc::new(RwLock::new(lock(&self.secrets).derive(label))) };
        lock(&self.derived).push(keys.clone());
        keys
    }

    /// Takes the place of these secrets by others, for whatever was derived from them. Returns whether they differ.
    pub fn replace(&self, others: Self) -> bool {
        let others = others.secrets.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut secrets = lock(&self.secrets);
        if secrets.are(&others) {
            return false;
        }
        *secrets = others;
        for keys in lock(&self.derived).iter() {
            *keys.now.write().unwrap_or_else(PoisonError::into_inner) = secrets.derive(keys.label);
        }
        true
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One secret, and no other.
impl From<&SecretString> for SecretKeys {
    fn from(current: &SecretString) -> Self {
        Self::new(current.clone(), Vec::new())
    }
}

/// Keys for one purpose: they tag messages, and recognize their own tags.
#[derive(Clone)]
pub struct DerivedKeys {
    label: &'static str,
    now: Arc<RwLock<Arc<Keys>>>,
}

struct Keys {
    current: Hmac<Sha256>,
    accepted: Vec<Hmac<Sha256>>,
}

impl DerivedKeys {
    /// The tag of a message, which is given in parts, by the current key.
    pub fn tag(&self, message: &[&[u8]]) -> [u8; 32] {
        fed(&self.now().current, message).finalize().into_bytes().into()
    }

    /// Whether this is the tag of a message, or its beginning, by one of the keys. Compared in constant time.
    pub fn verify<const LENGTH: usize>(&self, message: &[&[u8]], tag: &[u8; LENGTH]) -> bool {
        let keys = self.now();
        let by = |key: &Hmac<Sha256>| fed(key, message).verify_truncated_left(tag).is_ok();
        by(&keys.current) || keys.accepted.iter().any(by)
    }

    fn now(&self) -> Arc<Keys> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn fed(key: &Hmac<Sha256>, message: &[&[u8]]) -> Hmac<Sha256> {
    message.iter().fold(key.clone(), Mac::chain_update)
}

/// The secret has enough entropy for a plain hash: no key stretching is needed.
fn derived_key(secret: &SecretString, label: &str) -> Hmac<Sha256> {
    let derived = Sha256::new().chain_update(label).chain_update([0]).chain_update(secret.expose_secret()).finalize();
    let mut key = Key::<Hmac<Sha256>>::default();
    key[..derived.len()].copy_from_slice(&derived);
    Hmac::new(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(current: &str, accepted: &[&str]) -> DerivedKeys {
        let accepted = accepted.iter().map(|&secret| secret.into()).collect();
        SecretKeys::new(current.into(), accepted).derive("a purpose")
    }

    #[test]
    fn what_is_new_is_made_with_the_current_key_and_accepted_keys_verify() {
        let message: &[&[u8]] = &[b"mes", b"sage"];
        let (old, new) = (keys("old", &[]).tag(message), keys("new", &[]).tag(message));
        assert_eq!(keys("new", &["old"]).tag(message), new);
        assert_eq!(keys("old", &["new"]).tag(message), old);
        for both in [keys("new", &["older", "old"]), keys("old", &["new"])] {
            assert!(both.verify(message, &old) && both.verify(message, &new));
            assert!(!both.verify(message, &keys("other", &[]).tag(message)));
            assert!(!both.verify(&[b"another"], &old));
        }
        assert!(!keys("new", &[]).verify(message, &old));
        assert!(keys("old", &[]).verify(&[b"message"], old.first_chunk::<16>().unwrap()), "parts make no difference");
    }

    #[test]
    fn what_was_derived_follows_the_secrets() {
        let message: &[&[u8]] = &[b"message"];
        let secrets = SecretKeys::from(&"old".into());
        let derived = secrets.derive("a purpose");
        let old = derived.tag(message);
        assert!(!secrets.replace(SecretKeys::from(&"old".into())));
        assert!(secrets.replace(SecretKeys::new("new".into(), vec!["old".into()])));
        assert_eq!(derived.tag(message), keys("new", &[]).tag(message));
        assert!(derived.verify(message, &old));
        assert!(secrets.replace(SecretKeys::from(&"new".into())));
        assert!(!derived.verify(message, &old));
    }

    #[test]
    fn each_purpose_has_keys_of_its_own() {
        let secrets = SecretKeys::from(&"secret".into());
        assert_ne!(secrets.derive("a").tag(&[b"x"]), secrets.derive("b").tag(&[b"x"]));
    }
}
