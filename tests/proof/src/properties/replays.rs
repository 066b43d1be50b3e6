//! The same key with the same request gets the first response again, byte for byte; with another request it is
//! refused.

use super::{Checked, groups, key_of};
use crate::{Digest, Property, Record, finding::Found};

#[derive(Default)]
pub(super) struct Replays {
    calls: Vec<Call>,
}

/// A call under a key.
#[derive(Clone, Copy)]
struct Call {
    key: u64,
    request: Digest,
    begin: u64,
    end: u64,
    sequence: u64,
    became: Became,
}

#[derive(Clone, Copy, PartialEq)]
enum Became {
    Done(Option<Digest>),
    Replayed(Option<Digest>),
    /// 422 `idempotency-key-reused`.
    Reused,
    /// 409 `idempotency-in-progress`.
    InProgress,
    /// Refused before the key was looked at, perhaps.
    Elsewhere,
    /// Refused for what was asked for.
    Refused(u16),
    Unknown,
}

impl Call {
    const fn succeeded(&self) -> bool {
        matches!(self.became, Became::Done(_) | Became::Replayed(_))
    }

    /// Of the response, if it succeeded.
    const fn digest(&self) -> Option<Digest> {
        match self.became {
            Became::Done(digest) | Became::Replayed(digest) => digest,
            _ => None,
        }
    }

    /// Whether the key may be taken since.
    const fn may_have_taken(&self) -> bool {
        matches!(self.became, Became::Done(_) | Became::Unknown)
    }
}

impl Checked for Replays {
    fn see(&mut self, record: &Record, _: &mut Found) {
        let (Some(key), Some(given)) = (key_of(record), &record.key) else { return };
        let became = match record.response() {
            None => Became::Unknown,
            Some(response) => match (response.status, response.code.as_deref()) {
                (200..300, _) if response.replayed => Became::Replayed(response.digest),
                (200..300, _) => Became::Done(response.digest),
                (_, Some("idempotency-key-reused")) => Became::Reused,
                (_, Some("idempotency-in-progress")) => Became::InProgress,
                (401 | 403 | 429, _) => Became::Elsewhere,
                (500.., _) => Became::Unknown,
                (status, _) => Became::Refused(status),
            },
        };
        let Record { begin, end, sequence, .. } = *record;
        self.calls.push(Call { key, request: given.request, begin, end, sequence, became });
    }

    fn conclude(mut self: Box<Self>, found: &mut Found) {
        self.calls.sort_unstable_by_key(|call| (call.key, call.begin, call.sequence));
        for calls in groups(&self.calls, |call| call.key) {
            look_at(calls, found);
        }
    }
}

/// Looks at all calls under one key.
fn look_at(calls: &[Call], found: &mut Found) {
    found.look_at(Property::Replays, calls.len() - 1);
    let mut report = |reason: &str, shown_by: &[u64]| {
        found.report(Property::Replays, reason.to_owned(), shown_by.iter().copied());
    };
    // The success that ended first is what the others are compared with.
    let first = calls.iter().filter(|call| call.succeeded()).min_by_key(|call| call.end);
    let mut done: Option<&Call> = None;
    for call in calls {
        if let Became::Done(_) = call.became
            && let Some(before) = done.replace(call)
        {
            report("one key was good for two calls, and neither is a replay", &[before.sequence, call.sequence]);
        }
        let others = || calls.iter().filter(|other| other.sequence != call.sequence && other.begin < call.end);
        match call.became {
            Became::Replayed(_) if !others().any(Call::may_have_taken) => {
                report(
                    "a response is said to be a replay, and nothing was done under its key before",
                    &[call.sequence],
                );
            }
            Became::Reused if !others().any(|other| other.may_have_taken() && other.request != call.request) => {
                report("a key is said to be reused, and no other request had it", &[call.sequence]);
            }
            Became::InProgress if !others().any(|other| other.end >= call.begin || other.became == Became::Unknown) => {
                report("a request is said to be in progress, and none was", &[call.sequence]);
            }
            _ => {}
        }
        let Some(first) = first.filter(|first| first.sequence != call.sequence) else { continue };
        let pair = [first.sequence, call.sequence];
        let is_same = call.request == first.request;
        match call.became {
            Became::Done(_) | Became::Replayed(_) if !is_same => {
                report("one key was good for two requests that differ", &pair);
            }
            Became::Done(_) | Became::Replayed(_)
                if call.digest().zip(first.digest()).is_some_and(|(this, first)| this != first) =>
            {
                report("a repeated request was answered otherwise than the first time", &pair);
            }
            Became::Refused(status) if is_same && first.end < call.begin => {
                report(&format!("a request that had succeeded was refused with {status} when it was repeated"), &pair);
            }
            Became::Reused if is_same => {
                report("a key is said to be reused by the very request that had it", &pair);
            }
            _ => {}
        }
    }
}
