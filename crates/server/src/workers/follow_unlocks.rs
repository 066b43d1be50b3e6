use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::Utc;
use comanda_domain::{
    AuditAction, AuditEntry, Email, Timestamp,
    ports::{AuditLog, AuditQuery, Unavailable},
};
use comanda_resilience::LocalLockouts;
use comanda_task::{Panic, caught, isolated};

use super::worker::{Context, Worker};

/// An unlock reaches every server after this time at the latest, and what a round takes.
const PERIOD: Duration = Duration::from_secs(1);

/// How far readings of the audit log overlap: longer than any transaction takes, since entries appear in the order in
/// which their transactions end, and not in the order of their ids.
const OVERLAP: Duration = Duration::from_mins(1);

/// How far servers' clocks may be apart.
const CLOCK_SKEW: Duration = Duration::from_mins(5);

/// Lifts what the audit log says was unlocked, wherever that was: in this process's memory, which may have locked the
/// address while Redis was gone, and in Redis, which may have been gone then. Before, it tells Redis how attempts ended
/// while that was gone; afterwards it hands the locks that were set here over.
pub fn follow_unlocks(audit_log: Arc<dyn AuditLog>, lockouts: Arc<LocalLockouts>) -> Worker {
    Worker::new("follow_unlocks", move |context| run(Arc::clone(&audit_log), Arc::clone(&lockouts), context))
}

async fn run(audit_log: Arc<dyn AuditLog>, lockouts: Arc<LocalLockouts>, context: Context) {
    let mut unlocks = Unlocks { audit_log, place: None, known: BTreeSet::new(), fresh: Vec::new() };
    let mut unfinished: BTreeSet<Email> = BTreeSet::new();
    loop {
        // First, since it needs nothing of PostgreSQL, which may be gone as well. A panic is reported, and is no reason
        // to forget anything.
        drop(caught(lockouts.tell_late()).await);
        // What is known of the log, and what is still to be lifted, outlives a panic.
        match isolated(unlocks.read(), Unavailable::new).await {
            Ok(()) => context.succeeded(),
            Err(error) => context.failed(&error),
        }
        for Unlock { email, at } in std::mem::take(&mut unlocks.fresh) {
            // Once, and not again with what is repeated below: while Redis is gone, guesses count here only.
            match Panic::catch(|| lockouts.lift_here(&email, at)) {
                Ok(()) => {
                    unfinished.insert(email);
                }
                // It keeps no other, and is tried again in the next round.
                Err(panic) => {
                    drop(panic);
                    unlocks.fresh.push(Unlock { email, at });
                }
            }
        }
        let mut left = BTreeSet::new();
        for email in unfinished {
            if !caught(lockouts.lift_shared(&email)).await.unwrap_or(false) {
                left.insert(email);
            }
        }
        unfinished = left;
        drop(caught(lockouts.hand_over(&unfinished)).await);
        if context.pause(PERIOD).await.is_cancelled() {
            break;
        }
    }
    // What was left since the last round would be lost with this process.
    drop(caught(lockouts.tell_late()).await);
    drop(caught(lockouts.hand_over(&unfinished)).await);
}

/// An entry of the audit log.
struct Unlock {
    email: Email,
    at: Timestamp,
}

/// The unlocks in the audit log, each once.
struct Unlocks {
    audit_log: Arc<dyn AuditLog>,
    /// `None` until the log was read for the first time.
    place: Option<Place>,
    /// The entries after the place that were read. Not by their ids alone: a database that was restored, or has failed
    /// over, gives ids to other entries again.
    known: BTreeSet<(i64, Timestamp, String)>,
    /// Those that nobody has taken yet.
    fresh: Vec<Unlock>,
}

/// Where to read on.
struct Place {
    /// The newest entry a while ago.
    after: i64,
    /// The newest entry at a later time.
    next: i64,
    since: Instant,
}

impl Unlocks {
    /// Adds what was unlocked since the last call, or since the first. An entry is known, and the place behind it, only
    /// once it is among the fresh ones: a panic before loses nothing.
    async fn read(&mut self) -> Result<(), Unavailable> {
        let Some(place) = &self.place else {
            let newest = self.audit_log.newest().await?;
            self.place = Some(Place { after: newest, next: newest, since: Instant::now() });
            return Ok(());
        };
        let newest = self.audit_log.newest().await?;
        let is_restored = newest < place.next;
        let (unlocks, next_place) = if is_restored {
            // Entries that were read are gone: the database was restored, or has failed over. What it has gained since
            // may be under any id, but is not older than what was read last.
            let read_at = Utc::now() - (place.since.elapsed() + OVERLAP + CLOCK_SKEW);
            let mut unlocks = unlocks_after(&*self.audit_log, 0, read_at).await?;
            unlocks.retain(|unlock| unlock.record.at >= read_at);
            (unlocks, Some(Place { after: newest, next: newest, since: Instant::now() }))
        } else {
            let unlocks = unlocks_after(&*self.audit_log, place.after, Timestamp::MIN_UTC).await?;
            let is_over = place.since.elapsed() > OVERLAP;
            (unlocks, is_over.then(|| Place { after: place.next, next: newest, since: Instant::now() }))
        };
        for AuditEntry { id, record } in unlocks {
            let entry = (id, record.at, record.target);
            if !self.known.contains(&entry) {
                let email = Email::stored(&entry.2).in_one_form();
                self.fresh.push(Unlock { email, at: record.at });
                self.known.insert(entry);
            }
        }
        if let Some(place) = next_place {
            if !is_restored {
                self.known.retain(|(id, ..)| *id > place.after);
            }
            self.place = Some(place);
        }
        Ok(())
    }
}

/// The unlocks after this entry, the newest first; no page beyond one that is older than `since`.
async fn unlocks_after(audit_log: &dyn AuditLog, after: i64, since: Timestamp) -> Result<Vec<AuditEntry>, Unavailable> {
    let mut unlocks = Vec::new();
    let action = Some(AuditAction::AccountUnlocked);
    let mut query = AuditQuery { action, after: Some(after), ..AuditQuery::default() };
    loop {
        let page = audit_log.entries(query.clone()).await?;
        let is_older = page.entries.last().is_some_and(|entry| entry.record.at < since);
        unlocks.extend(page.entries);
        query.before = page.next;
        if is_older || query.before.is_none() {
            return Ok(unlocks);
        }
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::{
        AuditRecord, LockoutPolicy, Page,
        ports::{MockAuditLog, MockClock, MockLockedAddresses, MockLockouts},
    };
    use tokio::sync::mpsc;

    use super::{super::supervisor::Workers, *};

    #[tokio::test(start_paused = true)]
    async fn an_unlock_that_panics_is_not_forgotten_and_keeps_no_other() {
        let mut audit_log = MockAuditLog::new();
        audit_log.expect_newest().once().returning(|| Ok(1));
        audit_log.expect_newest().returning(|| Ok(3));
        audit_log.expect_entries().returning(|_| {
            let unlocked = |id, target: &str| {
                let (action, target) = (AuditAction::AccountUnlocked, target.to_owned());
                let record = AuditRecord { actor: None, action, target, reason: None, at: Timestamp::UNIX_EPOCH };
                AuditEntry { id, record }
            };
            let entries = vec![unlocked(3, "ana@example.org"), unlocked(2, "ben@example.org")];
            Ok(Page { entries, next: None, unreadable: Vec::new() })
        });
        let mut clock = MockClock::new();
        clock.expect_now().once().returning(|| panic!("in this test"));
        clock.expect_now().returning(Utc::now);
        let (sender, mut unlocked) = mpsc::unbounded_channel();
        let mut shared = MockLockouts::new();
        shared.expect_unlock().returning(move |email| {
            sender.send(email.as_str().to_owned()).unwrap();
            Ok(())
        });
        let lockouts = LocalLockouts::beside(
            Arc::new(shared),
            Arc::new(MockLockedAddresses::new()),
            LockoutPolicy::default(),
            PERIOD,
            Arc::new(clock),
        );
        let mut clock = MockClock::new();
        clock.expect_now().returning(Utc::now);
        let mut workers = Workers::new(Arc::new(clock));
        workers.register(follow_unlocks(Arc::new(audit_log), Arc::new(lockouts)));
        let running = workers.start().unwrap();
        // The first has failed once.
        for email in ["ben@example.org", "ana@example.org"] {
            assert_eq!(unlocked.recv().await.as_deref(), Some(email));
        }
        running.stop().await;
    }
}
