use std::collections::HashMap;

use super::timeline::Flow;
use crate::{Change, Counter, LedgerRow, Property, Record, Request, finding::Found};

/// Adjustments by their reasons, which are how their rows in the ledger are found.
#[derive(Default)]
pub(super) struct Adjustments {
    by_reason: HashMap<String, Adjusted>,
}

struct Adjusted {
    /// What was asked for; `None`: an import.
    change: Option<(Counter, Change)>,
    from: u64,
    by: u64,
    /// The first call that may have done it, or was said to have.
    sequence: u64,
    is_confirmed: bool,
    may_be_done: bool,
}

impl Adjustments {
    pub(super) fn see(&mut self, record: &Record) {
        let (reason, change) = match &record.request {
            Request::AdjustStock { of, change, reason } => (reason, Some((*of, *change))),
            Request::Import { reason } => (reason, None),
            _ => return,
        };
        let Record { begin, sequence, .. } = *record;
        let adjusted = self.by_reason.entry(reason.clone()).or_insert(Adjusted {
            change,
            from: u64::MAX,
            by: u64::MAX,
            sequence,
            is_confirmed: false,
            may_be_done: false,
        });
        if record.may_have_done_it() {
            adjusted.may_be_done = true;
            adjusted.from = adjusted.from.min(begin);
        }
        if record.succeeded() {
            adjusted.by = adjusted.by.min(record.end);
            // An import may end more than once under its reason.
            if change.is_none() {
                adjusted.by = u64::MAX;
            }
            if !adjusted.is_confirmed || record.did_it() {
                adjusted.sequence = sequence;
            }
            adjusted.is_confirmed = true;
        }
    }

    /// What every row of the ledger did. What no call has done was there at the beginning.
    pub(super) fn flows(&self, ledger: &[LedgerRow]) -> impl Iterator<Item = (Counter, Flow)> {
        ledger.iter().map(|row| {
            let flow = match self.by_reason.get(&row.reason) {
                Some(Adjusted { from, by, sequence, .. }) if *from < u64::MAX => {
                    Flow { amount: row.delta, from: *from, by: *by, sequence: Some(*sequence) }
                }
                _ => Flow { amount: row.delta, from: 0, by: 0, sequence: None },
            };
            (row.of, flow)
        })
    }

    pub(super) fn conclude(&self, ledger: &[LedgerRow], found: &mut Found) {
        let mut rows: HashMap<&str, Vec<&LedgerRow>> = HashMap::new();
        for row in ledger.iter().filter(|row| self.by_reason.contains_key(&row.reason)) {
            rows.entry(&row.reason).or_default().push(row);
        }
        for (reason, adjusted) in &self.by_reason {
            let Some((of, change)) = adjusted.change else { continue };
            let rows = rows.get(reason.as_str()).map_or(&[][..], Vec::as_slice);
            let is_of_another =
                rows.iter().any(|row| row.of != of || matches!(change, Change::Delta(delta) if delta != row.delta));
            let what = match rows.len() {
                0 if adjusted.is_confirmed && matches!(change, Change::Delta(_)) => "was confirmed, and is missing",
                1.. if !adjusted.may_be_done => "is there, and was refused",
                1 if is_of_another => "is another one than was asked for",
                2.. => "is in the ledger more than once",
                _ => continue,
            };
            found.report(Property::Stock, format!("the stock adjustment {reason:?} {what}"), [adjusted.sequence]);
        }
    }
}
