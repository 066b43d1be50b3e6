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
use comanda_task::{caught, isolated};

use super::worker::{Context, Worker};

/// An unlock reaches every server after this time at the latest, and what a round takes.
const PERIOD: Duration = Duration::from_secs(1);

/// How far readings of the audit log overlap: longer than any transaction takes, since entries appear in the order in
/// which their transactions end, and not in the order of their ids.
const OVERLAP: Duration = Duration::from_mins(1);

/// How far servers' clocks may be apart.
const CLOCK_SKEW: Duration = Duration::from_mins(5);

/// Lifts what the audit log says was unlocked, wherever that was: in this process's memory, which may have locked the
/// address while Redis was gone, and in Redis, which may have been gone then. Afterwards hands the locks that were set
/// here over to Redis.
pub fn follow_unlocks(audit_log: Arc<dyn AuditLog>, lockouts: Arc<LocalLockouts>) -> Worker {
    Worker::new("follow_unlocks", move |context| run(Arc::clone(&audit_log), Arc::clone(&lockouts), context))
}

async fn run(audit_log: Arc<dyn AuditLog>, lockouts: Arc<LocalLockouts>, context: Context) {
    let mut unlocks = Unlocks { audit_log, place: None, known: BTreeSet::new() };
    let mut unfinished: BTreeSet<Email> = BTreeSet::new();
    loop {
        // What is known of the log, and what is still to be lifted, outlives a panic.
        match isolated(unlocks.read(), Unavailable::new).await {
            Ok(fresh) => {
                for Unlock { email, at } in fresh {
                    // Once, and not again with what is repeated below: while Redis is gone, guesses count here only.
                    lockouts.lift_here(&email, at);
                    unfinished.insert(email);
                }
                context.succeeded();
            }
            Err(error) => context.failed(&error),
        }
        let mut left = BTreeSet::new();
        for email in unfinished {
            if !caught(lockouts.lift_shared(&email)).await.unwrap_or(false) {
                left.insert(email);
            }
        }
        unfinished = left;
        // A panic is reported, and is no reason to forget them.
        drop(caught(lockouts.hand_over(&unfinished)).await);
        if context.pause(PERIOD).await.is_cancelled() {
            break;
        }
    }
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
    /// What was unlocked since the last call, or since the first.
    async fn read(&mut self) -> Result<Vec<Unlock>, Unavailable> {
        let Some(place) = &mut self.place else {
            let newest = self.audit_log.newest().await?;
            self.place = Some(Place { after: newest, next: newest, since: Instant::now() });
            return Ok(Vec::new());
        };
        let newest = self.audit_log.newest().await?;
        let unlocks = if newest < place.next {
            // Entries that were read are gone: the database was restored, or has failed over. What it has gained since
            // may be under any id, but is not older than what was read last.
            let read_at = Utc::now() - (place.since.elapsed() + OVERLAP + CLOCK_SKEW);
            let mut unlocks = unlocks_after(&*self.audit_log, 0, read_at).await?;
            unlocks.retain(|unlock| unlock.record.at >= read_at);
            *place = Place { after: newest, next: newest, since: Instant::now() };
            unlocks
        } else {
            let unlocks = unlocks_after(&*self.audit_log, place.after, Timestamp::MIN_UTC).await?;
            if place.since.elapsed() > OVERLAP {
                *place = Place { after: place.next, next: newest, since: Instant::now() };
                let after = place.after;
                self.known.retain(|(id, ..)| *id > after);
            }
            unlocks
        };
        let fresh = unlocks
            .into_iter()
            .filter(|AuditEntry { id, record }| self.known.insert((*id, record.at, record.target.clone())));
        let unlock =
            |AuditEntry { record, .. }| Unlock { email: Email::stored(&record.target).in_one_form(), at: record.at };
        Ok(fresh.map(unlock).collect())
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
