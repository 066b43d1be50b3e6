use comanda_domain::{AccountId, Idempotency, IdempotencyKey, RequestFingerprint};

/// A caller's own name for a request, with a digest of what it asks for.
#[derive(Clone, Debug)]
pub struct IdempotentRequest {
    pub key: IdempotencyKey,
    pub fingerprint: RequestFingerprint,
}

impl IdempotentRequest {
    /// Keys belong to their caller: two customers may use the same one.
    pub(crate) fn by(self, caller: AccountId) -> Idempotency {
        Idempotency { caller, key: self.key, fingerprint: self.fingerprint }
    }
}
