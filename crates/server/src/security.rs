//! Security events as structured log lines and as a counter.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use comanda_domain::{Email, SecurityEvent, ports::SecurityLog};
use comanda_identity::{DerivedKeys, SecretKeys};

/// Writes each event to the log, under the target `security`. The request's span adds the request id and the client's
/// network. Addresses are written as keyed hashes: the same address has the same hash, and nobody without the key can
/// tell which it is.
pub struct SecurityEvents {
    /// `None`: the hashes of addresses are left out.
    keys: Option<DerivedKeys>,
}

impl SecurityEvents {
    /// Servers with the same current key write the same hashes.
    pub fn new(secrets: &SecretKeys) -> Self {
        Self { keys: Some(secrets.derive("comanda security log v1")) }
    }

    /// For commands, which do without the servers' key.
    pub fn without_addresses() -> Self {
        Self { keys: None }
    }

    fn hash(&self, email: &Email) -> Option<String> {
        let tag = self.keys.as_ref()?.tag(&[email.in_one_form().as_str().as_bytes()]);
        Some(BASE64.encode(&tag[..12]))
    }
}

impl SecurityLog for SecurityEvents {
    fn record(&self, event: SecurityEvent) {
        let SecurityEvent { kind, outcome, reason, account_id, email, session_id, by } = event;
        let (kind, outcome) = (kind.as_str(), outcome.as_str());
        metrics::counter!("comanda_security_events_total", "event" => kind, "outcome" => outcome).increment(1);
        let account_id = account_id.map(|id| id.to_string());
        let address_hash = email.as_ref().and_then(|email| self.hash(email));
        let session_id = session_id.map(|id| id.to_string());
        let by = by.map(|id| id.to_string());
        tracing::info!(
            target: "security",
            event = kind,
            outcome,
            reason,
            account_id,
            address_hash,
            session_id,
            by,
            "security event"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_hash_per_key_and_cannot_be_read_from_it() {
        let address = |name: &str| Email::new(&format!("{name}@example.org")).unwrap();
        let hash =
            |key: &str, name: &str| SecurityEvents::new(&SecretKeys::from(&key.into())).hash(&address(name)).unwrap();
        assert_eq!(hash("a", "ana"), hash("a", "ana"));
        assert_ne!(hash("a", "ana"), hash("b", "ana"));
        assert_ne!(hash("a", "ana"), hash("a", "eve"));
        assert_eq!(hash("a", "ana").len(), 16);
        assert_eq!(SecurityEvents::without_addresses().hash(&address("ana")), None);
    }
}
