//! Orders whose request was sent again, as they were placed.
//!
//! What a key stands for does not change any more once it is known, so whoever sends a request again and again gets the
//! response from here, and costs no batch a further round trip while its menu items are locked. What this process does
//! not remember, the tables do.

use std::time::Duration;

use comanda_domain::{
    AccountId, Idempotency, IdempotencyKey, KeyRefusal, NewOrder, OrderWithLines, RequestFingerprint, Timestamp,
    ports::Idempotent,
};
use moka::sync::Cache;

use super::transaction::Decision;

/// The most lines, selections and supplies of all orders together, some hundred bytes each.
const CAPACITY: u64 = 10_000;

/// Since the order was placed. Whoever repeats a request does it within seconds.
const LIFETIME: Duration = Duration::from_mins(1);

#[derive(Clone)]
pub(super) struct AskedAgain(Cache<(AccountId, IdempotencyKey), (RequestFingerprint, OrderWithLines)>);

impl Default for AskedAgain {
    fn default() -> Self {
        Self(
            Cache::builder()
                .weigher(|_, (_, order)| weight(order))
                .max_capacity(CAPACITY)
                .time_to_live(LIFETIME)
                .build(),
        )
    }
}

fn weight(order: &OrderWithLines) -> u32 {
    let parts: usize = order.lines.iter().map(|line| 1 + line.selections.len() + line.taken.len()).sum();
    u32::try_from(parts).unwrap_or(u32::MAX)
}

impl AskedAgain {
    /// What a request gets whose key is known here.
    pub(super) fn decide(&self, order: &NewOrder) -> Option<Decision> {
        let request = order.idempotency.as_ref()?;
        let (fingerprint, placed) = self.0.get(&key_of(request))?;
        if !is_new(&placed, order.placed_at) {
            return None;
        }
        Some(if fingerprint == request.fingerprint {
            Ok(Idempotent { outcome: placed, replayed: true })
        } else {
            Err(KeyRefusal::Reused.into())
        })
    }

    pub(super) fn forget(&self) {
        self.0.invalidate_all();
    }

    /// Only what is committed and on disk may be remembered.
    pub(super) fn remember(&self, request: &Idempotency, placed: &OrderWithLines, now: Timestamp) {
        if is_new(placed, now) {
            self.0.insert(key_of(request), (request.fingerprint, placed.clone()));
        }
    }
}

fn key_of(request: &Idempotency) -> (AccountId, IdempotencyKey) {
    (request.caller, request.key.clone())
}

/// The tables are asked about all others, whose keys may be forgotten.
fn is_new(placed: &OrderWithLines, now: Timestamp) -> bool {
    (now - placed.order.created_at).to_std().is_ok_and(|age| age < LIFETIME)
}
