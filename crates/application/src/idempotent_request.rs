use comanda_domain::{Actor, Idempotency, IdempotencyKey, RequestFingerprint};

/// A caller's own name for a request, with a digest of what it asks for.
#[derive(Clone, Debug)]
pub struct IdempotentRequest {
    pub key: IdempotencyKey,
    pub fingerprint: RequestFingerprint,
}

impl IdempotentRequest {
    /// Keys belong to their caller: two customers may use the same one.
    pub(crate) fn by(self, actor: Actor) -> Idempotency {
        Idempotency { caller: actor.account_id, key: self.key, fingerprint: self.fingerprint }
    }
}
