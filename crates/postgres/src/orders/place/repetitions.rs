//! Repetitions of requests that wait to be decided, or are being decided.
//!
//! Of requests under one key, the first takes part in a batch. The others wait beside it and get its response. However
//! often a client repeats a request, it takes one place in the queue and one in a batch.

use std::{
    collections::HashMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use comanda_domain::{AccountId, Idempotency, IdempotencyKey, KeyRefusal, Timestamp, ports::Idempotent};
use tokio::time::Instant;

use super::{asked_again::AskedAgain, queue::Waiting, transaction::Decision};

type Key = (AccountId, IdempotencyKey);

/// The keys of requests in the queue and in the batch, each with its repetitions.
#[derive(Clone, Default)]
pub(super) struct Repetitions {
    keys: Arc<Mutex<HashMap<Key, Vec<Waiting>>>>,
    asked_again: AskedAgain,
}

/// The place of a request, beside which its repetitions wait. When it is dropped, because the committer panicked, so do
/// they.
pub(super) struct Place {
    repetitions: Repetitions,
    /// `None` once the repetitions have been taken over.
    request: Option<Idempotency>,
}

impl Repetitions {
    /// Returns the request with its place, unless it waits beside another one now, or was decided already.
    pub(super) fn enter(&self, mut waiting: Waiting) -> Option<Waiting> {
        let Some(request) = waiting.order.idempotency.clone() else { return Some(waiting) };
        if let Some(decision) = self.asked_again.decide(&waiting.order) {
            let _ = waiting.response.send(decision);
            return None;
        }
        let mut keys = self.keys();
        if let Some(repetitions) = keys.get_mut(&key_of(&request)) {
            // Those whose clients have hung up make room.
            repetitions.retain(|repetition| !repetition.response.is_closed());
            repetitions.push(waiting);
            return None;
        }
        keys.insert(key_of(&request), Vec::new());
        waiting.place = Some(Place { repetitions: self.clone(), request: Some(request) });
        Some(waiting)
    }

    /// Has the tables say again what keys stand for.
    pub(super) fn forget_answers(&self) {
        self.asked_again.forget();
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<Key, Vec<Waiting>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Whether a repetition of the same request waits that has time left at `now`.
    pub(super) fn is_awaited(&self, now: Instant) -> bool {
        self.latest(|repetition| repetition.is_in_time(now)).is_some()
    }

    /// The latest deadline of the repetitions of the same request.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.latest(|_| true)
    }

    fn latest(&self, counts: impl Fn(&Waiting) -> bool) -> Option<Instant> {
        let request = self.request.as_ref()?;
        let keys = self.repetitions.keys();
        let repetitions = keys.get(&key_of(request))?.iter();
        let same = repetitions.filter(|repetition| repetition.order.idempotency.as_ref() == Some(request));
        same.filter(|repetition| counts(repetition)).map(|repetition| repetition.deadline).max()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Dropped once nothing is locked any more.
        let _repetitions = self.request.take().and_then(|request| self.repetitions.keys().remove(&key_of(&request)));
    }
}

/// Responds to a request and its repetitions. Returns another request that was sent under its key and has to be decided
/// on its own, as the key is still free.
pub(super) fn respond(mut waiting: Waiting, decision: Decision) -> Option<Waiting> {
    let now = waiting.order.placed_at;
    let others = waiting.place.take().and_then(|place| respond_to_repetitions(place, &decision, now));
    // A closed channel is a client that hung up: its order stands.
    let _ = waiting.response.send(decision);
    others
}

fn respond_to_repetitions(mut place: Place, decision: &Decision, now: Timestamp) -> Option<Waiting> {
    let request = place.request.take()?;
    let key = key_of(&request);
    let repetitions = place.repetitions.clone();
    let mut keys = repetitions.keys();
    let waiting = mem::take(keys.get_mut(&key)?);
    let (same, other): (Vec<_>, Vec<_>) =
        waiting.into_iter().partition(|waiting| waiting.order.idempotency.as_ref() == Some(&request));
    if let Ok(placed) = decision
        && (placed.replayed || !same.is_empty())
    {
        repetitions.asked_again.remember(&request, &placed.outcome, now);
    }
    let mut undecided = Vec::new();
    if decision.is_ok() {
        for waiting in other {
            let _ = waiting.response.send(Err(KeyRefusal::Reused.into()));
        }
    } else {
        undecided = other;
    }
    for waiting in same {
        let _ = waiting.response.send(again(decision));
    }
    if undecided.is_empty() {
        keys.remove(&key);
        return None;
    }
    let mut next = undecided.remove(0);
    keys.insert(key, undecided);
    next.place = Some(Place { repetitions: repetitions.clone(), request: next.order.idempotency.clone() });
    Some(next)
}

fn again(decision: &Decision) -> Decision {
    decision.clone().map(|first| Idempotent { replayed: true, ..first })
}

fn key_of(request: &Idempotency) -> Key {
    (request.caller, request.key.clone())
}
