//! No more passwords are checked than the policy allows, and nobody is locked out without cause, or for too long.

use std::{collections::HashMap, iter};

use super::{Checked, Faults, Ordered};
use crate::{Fault, LockShown, LockoutSettings, Property, Record, Request, ServerId, Shown, finding::Found};

const SECOND: u64 = 1_000_000_000;

/// How much servers' clocks may differ from the run's.
const TOLERANCE: u64 = SECOND / 5;

/// How long after its caller gave up an attempt may still be settled.
const AFTERMATH: u64 = 30 * SECOND;

/// How long after Redis is back it may still be doing what it was told while it hung.
const FOUND_AGAIN: u64 = 2 * SECOND;

/// Of how long before it was killed Redis may have forgotten what it had confirmed: with an append-only file, it lets
/// the disk lag behind.
const FORGOTTEN: u64 = 3 * SECOND;

/// How soon every server has lifted by itself what an admin has unlocked.
const LIFTED_WITHIN: u64 = 4 * SECOND;

/// How many servers may lift it once more, each by itself; the one that was asked is among them.
const SERVERS: usize = 8;

/// How soon all servers know that somebody has signed in. One that was slow may have taken Redis for gone, and tells it
/// later: after a pause of a second, within a second, and the same again if that was slow as well.
const TOLD_WITHIN: u64 = 8 * SECOND;

/// How often a sign-in may be told late until its server has heard that it was told: as often as there is time for.
const TELLINGS: usize = 2;

/// How long after it began an attempt counts as a failure if nobody has said how it ended.
const LIFETIME: u64 = 10 * SECOND;

pub(super) struct Locks<'t> {
    settings: &'t LockoutSettings,
    /// By address and device.
    claimants: HashMap<(String, Option<u32>), Vec<Attempt>>,
    unlocks: HashMap<String, Vec<Unlock>>,
    /// What admins saw.
    seen: Vec<SeenLock>,
    /// When lockouts may have been forgotten, or each server decided for itself.
    redis: Vec<Span>,
    /// When servers decided for themselves.
    alone: Vec<Span>,
    /// Both of them, in the order in which they began once all are seen.
    gone: Vec<Span>,
    /// When servers ended.
    ends: Vec<Span>,
    faults: Faults,
}

/// What was broken for a while, at one server or, if nobody knows at which, at all of them.
#[derive(Clone, Copy)]
struct Span {
    server: Option<ServerId>,
    begin: u64,
    end: u64,
}

impl Span {
    fn touches(&self, server: Option<ServerId>, begin: u64, end: u64) -> bool {
        let is_elsewhere = self.server.zip(server).is_some_and(|(here, there)| here != there);
        !is_elsewhere && self.begin <= end && begin <= self.end
    }
}

#[derive(Clone, Copy)]
struct Attempt {
    server: Option<ServerId>,
    begin: u64,
    /// When it was settled at the latest.
    end: u64,
    sequence: u64,
    became: Became,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Became {
    SignedIn,
    Wrong,
    /// With the seconds after which to come back.
    Locked(Option<u64>),
    /// It may have been settled either way.
    Unknown {
        may_be_right: bool,
    },
}

struct SeenLock {
    lock: LockShown,
    begin: u64,
    end: u64,
    sequence: u64,
}

#[derive(Clone, Copy)]
struct Unlock {
    server: Option<ServerId>,
    begin: u64,
    end: u64,
    sequence: u64,
    is_certain: bool,
}

impl<'t> Locks<'t> {
    pub(super) fn of(tables: &'t Ordered<'t>) -> Self {
        Self {
            settings: &tables.tables.settings.lockout,
            claimants: HashMap::new(),
            unlocks: HashMap::new(),
            seen: Vec::new(),
            redis: Vec::new(),
            alone: Vec::new(),
            gone: Vec::new(),
            ends: Vec::new(),
            faults: Faults::default(),
        }
    }

    fn see_attempt(&mut self, record: &Record, email: &str, device: Option<u32>, right: Option<bool>, f: &mut Found) {
        let Record { server, begin, end, sequence, .. } = *record;
        let status = record.response().map(|response| response.status);
        let mut attempt = Attempt { server, begin, end, sequence, became: Became::SignedIn };
        attempt.became = match status {
            Some(200..300) => {
                if right == Some(false) {
                    f.report(Property::Locks, "a wrong password signed somebody in".to_owned(), [sequence]);
                }
                Became::SignedIn
            }
            Some(401) => {
                if right == Some(true) {
                    f.report(Property::Locks, "a right password was called wrong".to_owned(), [sequence]);
                }
                // Of an account that is changed meanwhile, the right password is refused as well, and has forgiven.
                if right.is_none() { Became::Unknown { may_be_right: true } } else { Became::Wrong }
            }
            Some(429) if record.is_refused_with("account-locked") => {
                Became::Locked(record.response().and_then(|response| response.retry_after))
            }
            None | Some(500..) => {
                attempt.end = attempt.end.saturating_add(AFTERMATH);
                Became::Unknown { may_be_right: right != Some(false) }
            }
            Some(_) => return,
        };
        self.claimants.entry((email.to_owned(), device)).or_default().push(attempt);
    }

    /// How long the lock of a level lasts.
    fn step(&self, level: usize) -> u64 {
        let last = self.settings.steps_s.len() - 1;
        self.settings.steps_s[level.saturating_sub(1).min(last)].saturating_mul(SECOND)
    }

    /// How many failures lock for the first time.
    fn free(&self) -> usize {
        self.settings.free_failures.max(1) as usize
    }

    fn look_at_lock(&self, seen: &SeenLock, found: &mut Found) {
        let &SeenLock { ref lock, begin, end, sequence } = seen;
        let lasts = lock.unlock_at_ms - lock.locked_at_ms;
        let step = |level: u32| self.step(level as usize) / 1_000_000;
        let is_of = |level: u32| i64::try_from(step(level)) == Ok(lasts);
        // What a server locked by itself is of its own, earlier level, and the later one of all stays. It did so no
        // longer ago than the lock lasts, for an attempt that began while it was alone.
        let lasted = u64::try_from(lasts).unwrap_or_default().saturating_mul(1_000_000);
        let since = begin.saturating_sub(lasted).saturating_sub(LIFETIME);
        let may_be_earlier = self.gone.iter().any(|span| span.touches(None, since, end));
        if lock.level == 0 || !(is_of(lock.level) || may_be_earlier && (1..lock.level).any(is_of)) {
            let reason = format!("a lock of level {} lasts {lasts} ms, and not {} ms", lock.level, step(lock.level));
            found.report(Property::Locks, reason, [sequence]);
        }
        let least = self.free() + (lock.level as usize).saturating_sub(1);
        if (lock.attempts as usize) < least {
            let reason = format!("a lock of level {} after {} failures, and not {least}", lock.level, lock.attempts);
            found.report(Property::Locks, reason, [sequence]);
        }
    }

    /// Between two possible resets, the failures that certainly counted must keep the distances of the ladder. What may
    /// have forgiven at some moment, and nobody knows at which, does so once.
    fn look_for_too_many(&self, attempts: &[Attempt], unlocks: &[Unlock], found: &mut Found) {
        let resets = self.possible_resets(attempts, unlocks);
        let counts_everywhere = |attempt: &&Attempt| {
            attempt.became == Became::Wrong && !self.is_alone(attempt.server, attempt.begin, attempt.end)
        };
        let mut segments: HashMap<usize, Vec<&Attempt>> = HashMap::new();
        for attempt in attempts.iter().filter(counts_everywhere) {
            let before = resets.partition_point(|(begin, _)| *begin <= attempt.end);
            let is_overlapped = before > 0 && resets[before - 1].1 >= attempt.begin;
            if !is_overlapped {
                segments.entry(before).or_default().push(attempt);
            }
        }
        let mut segments: Vec<(usize, Vec<&Attempt>)> = segments.into_iter().collect();
        segments.sort_unstable_by_key(|(before, _)| *before);
        let mut left = self.forgivings(attempts, unlocks);
        for (_, mut failures) in segments {
            while let Some(TooMany { next, reason, shown_by }) = self.too_many(&failures, found) {
                let first = failures.iter().map(|attempt| attempt.begin).min().unwrap_or_default();
                let may_have_been = |(_, (from, by)): &(usize, &(u64, u64))| *from <= next.end && *by >= first;
                let earliest = left.iter().enumerate().filter(may_have_been).min_by_key(|(_, (_, by))| *by);
                let Some(place) = earliest.map(|(place, _)| place) else {
                    found.report(Property::Locks, reason, shown_by);
                    break;
                };
                let (_, by) = left.swap_remove(place);
                failures.retain(|a| a.begin > by.min(next.end) || a.sequence == next.sequence);
            }
        }
    }

    /// When something may have forgiven, once each, at some moment between two: a sign-in that is told late, one of
    /// which nobody knows how it ended, and each server that lifts what was unlocked.
    fn forgivings(&self, attempts: &[Attempt], unlocks: &[Unlock]) -> Vec<(u64, u64)> {
        let by_attempts = attempts.iter().flat_map(|attempt| {
            let &Attempt { server, begin, end, became, .. } = attempt;
            let late = if self.is_without_redis(server, begin, end) { TELLINGS } else { 0 };
            let (from, times) = match became {
                Became::SignedIn => (end, late),
                // When it is settled, and whenever that is told late.
                Became::Unknown { may_be_right: true } => (begin, 1 + late),
                _ => (end, 0),
            };
            iter::repeat_n((from, self.told_by(server, end, TOLD_WITHIN)), times)
        });
        let by_unlocks = unlocks.iter().flat_map(|unlock| {
            let (from, times) = if unlock.is_certain { (unlock.end, SERVERS) } else { (unlock.begin, SERVERS + 1) };
            let by = self.faults.known_by(unlock.end, LIFTED_WITHIN / 1_000_000);
            iter::repeat_n((from, by.max(self.told_by(None, unlock.end, LIFTED_WITHIN))), times)
        });
        by_attempts.chain(by_unlocks).collect()
    }

    /// When a server has told Redis of a moment, if that takes so long while it is in reach.
    fn told_by(&self, server: Option<ServerId>, moment: u64, within: u64) -> u64 {
        let mut by = moment.saturating_add(within);
        for span in &self.gone {
            if span.touches(server, moment, by) {
                by = by.max(span.end.saturating_add(within));
            }
        }
        by
    }

    /// Whether more of these failures were checked than the ladder allows, if nothing was forgotten meanwhile.
    fn too_many<'a>(&self, failures: &[&'a Attempt], found: &mut Found) -> Option<TooMany<'a>> {
        let mut by_begin = failures.to_vec();
        by_begin.sort_unstable_by_key(|attempt| attempt.begin);
        let mut by_end = failures.to_vec();
        by_end.sort_unstable_by_key(|attempt| attempt.end);
        let forgotten_after = self.settings.window_s.min(self.settings.quiet_s).saturating_mul(SECOND);
        for count in self.free()..by_begin.len() {
            let (locked, next) = (by_begin[count - 1].begin, by_end[count]);
            let lasts = self.step(count + 1 - self.free());
            if next.end.saturating_sub(by_begin[0].begin) >= forgotten_after {
                break;
            }
            found.look_at(Property::Locks, 1);
            if next.end + TOLERANCE < locked + lasts {
                let (since, step) = (next.end.saturating_sub(locked) / SECOND, lasts / SECOND);
                let reason =
                    format!("after {count} failures another password was checked within {since} s, not {step} s");
                let shown_by = by_end[..=count].iter().map(|attempt| attempt.sequence).collect();
                return Some(TooMany { next, reason, shown_by });
            }
        }
        None
    }

    /// When everything was forgotten, or may have been any number of times: intervals that do not overlap, in order.
    fn possible_resets(&self, attempts: &[Attempt], unlocks: &[Unlock]) -> Vec<(u64, u64)> {
        let signed_in = attempts.iter().filter(|attempt| attempt.became == Became::SignedIn);
        let by_attempts = signed_in.map(|attempt| (attempt.begin, attempt.end));
        let certain = unlocks.iter().filter(|unlock| unlock.is_certain);
        let by_unlocks = certain.map(|unlock| (unlock.begin, unlock.end));
        let by_faults = self.redis.iter().map(|span| (span.begin, span.end));
        let mut all: Vec<(u64, u64)> = by_attempts.chain(by_unlocks).chain(by_faults).collect();
        all.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::new();
        for (begin, end) in all {
            match merged.last_mut() {
                Some(last) if begin <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((begin, end)),
            }
        }
        merged
    }

    /// Whoever is locked out must have failed often enough since everything was certainly forgotten, and not long ago.
    fn look_for_too_strict(&self, attempts: &[Attempt], unlocks: &[Unlock], found: &mut Found) {
        let certain = attempts.iter().filter(|attempt| attempt.became == Became::SignedIn && !self.is_untold(attempt));
        let mut resets: Vec<(u64, u64, u64)> = certain
            .map(|attempt| (attempt.end.saturating_add(TOLD_WITHIN), attempt.begin, attempt.sequence))
            .chain(unlocks.iter().filter(|u| self.is_certain(u)).map(|u| (u.end, u.begin, u.sequence)))
            .collect();
        resets.sort_unstable();
        // The latest beginning of those that have ended by then.
        for place in 1..resets.len() {
            if resets[place - 1].1 > resets[place].1 {
                (resets[place].1, resets[place].2) = (resets[place - 1].1, resets[place - 1].2);
            }
        }
        // An attempt that was announced to Redis, and could not be settled there, counts as a failure in the end.
        let counting = |attempt: &&Attempt| match attempt.became {
            Became::Wrong | Became::Unknown { .. } => true,
            Became::SignedIn => self.is_untold(attempt),
            Became::Locked(_) => false,
        };
        let counted = |attempt: &Attempt| {
            let Attempt { server, begin, end, became, .. } = *attempt;
            let is_open = became == Became::SignedIn || self.is_without_redis(server, begin, end);
            (begin, if is_open { self.given_up(attempt) } else { end })
        };
        let failures = Sorted::of(attempts.iter().filter(counting).map(counted));
        // A server that decided for itself keeps its own count, also of what others have forgiven since.
        let is_own = |attempt: &&Attempt| {
            let may_be_wrong = matches!(attempt.became, Became::Wrong | Became::Unknown { .. });
            may_be_wrong && self.is_without_redis(attempt.server, attempt.begin, attempt.end)
        };
        let own = Sorted::of(attempts.iter().filter(is_own).map(counted));
        for locked in attempts {
            let Became::Locked(retry_after) = locked.became else { continue };
            found.look_at(Property::Locks, 1);
            let before = resets.partition_point(|(end, ..)| *end < locked.begin);
            let (since, reset) = match before.checked_sub(1).map(|place| resets[place]) {
                Some((_, begin, sequence)) => (begin, Some(sequence)),
                None => (0, None),
            };
            // It may have been given up before anybody was told that it was right.
            let is_given_up = |attempt: &&Attempt| {
                attempt.became == Became::SignedIn
                    && attempt.begin.saturating_add(LIFETIME) <= locked.end
                    && attempt.end.saturating_add(TOLD_WITHIN) >= locked.begin
            };
            let given_up = attempts.iter().filter(is_given_up).filter(|attempt| !counting(attempt));
            let own_before = if own.between(since, locked.end) > 0 { own.before(since) } else { 0 };
            let count = failures.between(since, locked.end) + given_up.clone().count() + own_before;
            let shown_by = || reset.into_iter().chain([locked.sequence]);
            if count < self.free() {
                let reason = format!("an address was locked after no more than {count} failures");
                found.report(Property::Locks, reason, shown_by());
                continue;
            }
            let longest = self.step(count + 1 - self.free());
            let last = given_up.map(|attempt| self.given_up(attempt)).max().unwrap_or_default();
            let last = last.max(failures.last_end(locked.end));
            if last.saturating_add(longest).saturating_add(TOLERANCE) < locked.begin {
                let reason = format!("an address was locked longer than the {} s of its lock", longest / SECOND);
                found.report(Property::Locks, reason, shown_by());
            } else if retry_after.is_some_and(|seconds| seconds > longest / SECOND + 1) {
                let (told, longest) = (retry_after.unwrap_or_default(), longest / SECOND);
                let reason =
                    format!("an address is locked for {told} s, and after {count} failures {longest} s are due");
                found.report(Property::Locks, reason, shown_by());
            }
        }
    }

    /// When an attempt counts as a failure at the latest if nobody has said how it ended. What Redis was told while it
    /// hung, it does when it is back.
    fn given_up(&self, attempt: &Attempt) -> u64 {
        let hung = self.redis.iter().filter(|span| span.touches(None, attempt.begin, attempt.end));
        hung.map(|span| span.end).fold(attempt.end, u64::max).saturating_add(LIFETIME)
    }

    fn is_certain(&self, unlock: &Unlock) -> bool {
        unlock.is_certain && !self.is_without_redis(unlock.server, unlock.begin, unlock.end)
    }

    /// Whether its server may not have told Redis how it ended: while that is gone, only one server knows of it, and
    /// that may end before it has told the others.
    fn is_untold(&self, attempt: &Attempt) -> bool {
        let Attempt { server, begin, end, .. } = *attempt;
        let told = end.saturating_add(TOLD_WITHIN);
        self.is_without_redis(server, begin, end) || self.ends.iter().any(|span| span.touches(server, begin, told))
    }

    /// Whether Redis may not have learnt of it, or forgotten it.
    fn is_without_redis(&self, server: Option<ServerId>, begin: u64, end: u64) -> bool {
        let kept = end.saturating_add(FORGOTTEN);
        self.is_alone(server, begin, end) || self.redis.iter().any(|span| span.touches(None, begin, kept))
    }

    fn is_alone(&self, server: Option<ServerId>, begin: u64, end: u64) -> bool {
        self.alone.iter().any(|span| span.touches(server, begin, end))
    }
}

/// A password that should not have been checked.
struct TooMany<'a> {
    next: &'a Attempt,
    reason: String,
    shown_by: Vec<u64>,
}

/// Attempts by when they began, and by when they ended.
struct Sorted {
    begins: Vec<u64>,
    ends: Vec<u64>,
    /// The last end of those that began no later.
    last_ends: Vec<u64>,
}

impl Sorted {
    fn of(attempts: impl Iterator<Item = (u64, u64)>) -> Self {
        let mut both: Vec<(u64, u64)> = attempts.collect();
        both.sort_unstable();
        let begins = both.iter().map(|(begin, _)| *begin).collect();
        let last_end = |last: &mut u64, (_, end): &(u64, u64)| {
            *last = (*last).max(*end);
            Some(*last)
        };
        let last_ends = both.iter().scan(0, last_end).collect();
        let mut ends: Vec<u64> = both.iter().map(|(_, end)| *end).collect();
        ends.sort_unstable();
        Self { begins, ends, last_ends }
    }

    /// How many there were at some moment between two.
    fn between(&self, from: u64, to: u64) -> usize {
        let begun = self.begins.partition_point(|begin| *begin <= to);
        begun.saturating_sub(self.before(from))
    }

    /// How many had ended before.
    fn before(&self, moment: u64) -> usize {
        self.ends.partition_point(|end| *end < moment)
    }

    fn last_end(&self, to: u64) -> u64 {
        let begun = self.begins.partition_point(|begin| *begin <= to);
        begun.checked_sub(1).map_or(0, |place| self.last_ends[place])
    }
}

impl Checked for Locks<'_> {
    fn see(&mut self, record: &Record, found: &mut Found) {
        let Record { server, begin, sequence, .. } = *record;
        self.faults.see(record);
        match (&record.request, record.shown()) {
            (Request::SignIn { email, device, right }, _) => {
                self.see_attempt(record, email, *device, *right, found);
            }
            (Request::Unlock { email }, _) if record.may_have_done_it() => {
                let is_certain = record.did_it();
                let end = if is_certain { record.end } else { record.end.saturating_add(AFTERMATH) };
                let unlock = Unlock { server, begin, end, sequence, is_certain };
                self.unlocks.entry(email.clone()).or_default().push(unlock);
            }
            (Request::ReadLock { .. }, Shown::Lock(lock)) => {
                self.seen.push(SeenLock { lock: lock.clone(), begin, end: record.end, sequence });
            }
            (Request::Fault { fault }, _) => {
                let span = Span { server, begin, end: record.end };
                match fault {
                    Fault::ServerEnded => self.ends.push(span),
                    Fault::LockoutsAlone => self.alone.push(span),
                    Fault::Redis => {
                        self.redis.push(Span { server: None, end: record.end.saturating_add(FOUND_AGAIN), ..span });
                    }
                    Fault::Failover | Fault::Other(_) => {}
                }
            }
            _ => {}
        }
    }

    fn conclude(mut self: Box<Self>, found: &mut Found) {
        self.faults.are_seen();
        self.gone = self.redis.iter().chain(&self.alone).copied().collect();
        self.gone.sort_unstable_by_key(|span| span.begin);
        for seen in &self.seen {
            self.look_at_lock(seen, found);
        }
        for ((email, _), attempts) in &self.claimants {
            let unlocks = self.unlocks.get(email).map_or(&[][..], Vec::as_slice);
            self.look_for_too_many(attempts, unlocks, found);
            self.look_for_too_strict(attempts, unlocks, found);
        }
    }
}
