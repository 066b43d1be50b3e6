//! Account lockout in Redis, so that any number of servers agree.

use std::{sync::LazyLock, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use comanda_domain::{
    Admission, AttemptId, AttemptOutcome, Claimant, Email, Lock, LockedAddress, LockoutPolicy, Page,
    ports::{LockedAddressPosition, LockedAddresses, Lockouts, LockoutsQuery, Unavailable},
};
use rand::RngExt;
use redis::{Script, aio::ConnectionLike};
use tokio::time::Instant;

use crate::RedisConnections;

/// Sent in full only to a Redis that does not know it: after a restart or `SCRIPT FLUSH`.
static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lockout.lua")));

/// Locked addresses, sorted by the end of their lock, so that admins can list them.
const INDEX: &str = "lockouts";

/// Lockouts under `lockout:{address}`, and those of known devices under `lockout:{address}:devices`. The address is in
/// the form that it has when it is typed, whichever is stored. A key expires once nothing in it counts any more.
pub struct RedisLockouts {
    connections: RedisConnections,
    policy: LockoutPolicy,
    patience: Duration,
    /// Replaces Redis's clock.
    #[cfg(test)]
    now: Option<comanda_domain::Timestamp>,
}

enum Operation {
    Begin(AttemptId),
    Settle(AttemptId, AttemptOutcome),
    Lock,
    Adopt(Lock),
    Unlock,
}

type Reply = (String, u32, u32, i64, i64, i64, u64);

impl RedisLockouts {
    /// `patience` is how long an attempt waits for others that are in flight.
    pub fn new(connections: RedisConnections, policy: LockoutPolicy, patience: Duration) -> Self {
        Self {
            connections,
            policy,
            patience,
            #[cfg(test)]
            now: None,
        }
    }

    async fn run(&self, claimant: &Claimant, operation: &Operation) -> Result<Admission, Unavailable> {
        let claimant = &claimant.in_one_form();
        let mut connection = self.connections.take().await?;
        let admission = self.run_on(&mut *connection, claimant, operation).await?;
        // The index is in a slot of its own, so it may list too much until it is next read. It lists no devices.
        let (mut index, email) = (redis::pipe(), claimant.email.as_str());
        match (admission, operation) {
            _ if claimant.device.is_some() => return Ok(admission),
            // The lock may be a device's.
            (_, Operation::Lock) => return Ok(admission),
            // Locks that had expired when this one began leave the index, which would grow for as long as nobody reads
            // it.
            (Admission::Locked(lock), _) => index
                .cmd("ZADD")
                .arg(INDEX)
                .arg(lock.unlock_at.timestamp_millis())
                .arg(email)
                .cmd("ZREMRANGEBYSCORE")
                .arg(INDEX)
                .arg("-inf")
                .arg(lock.locked_at.timestamp_millis()),
            // Nothing else lifts a lock early.
            (_, Operation::Unlock) => index.cmd("ZREM").arg(INDEX).arg(email),
            _ => return Ok(admission),
        };
        let () = index.query_async(&mut *connection).await.map_err(Unavailable::new)?;
        Ok(admission)
    }

    async fn run_on(
        &self,
        connection: &mut impl ConnectionLike,
        Claimant { email, device }: &Claimant,
        operation: &Operation,
    ) -> Result<Admission, Unavailable> {
        let mut call = SCRIPT.key(format!("lockout:{{{email}}}"));
        call.key(format!("lockout:{{{email}}}:devices"));
        let (name, id, outcome) = match operation {
            Operation::Begin(id) => ("begin", Some(id), ""),
            Operation::Settle(id, AttemptOutcome::Success) => ("settle", Some(id), "success"),
            Operation::Settle(id, AttemptOutcome::EarlierSuccess(_)) => ("settle", Some(id), "earlier_success"),
            Operation::Settle(id, AttemptOutcome::Failure) => ("settle", Some(id), "failure"),
            Operation::Settle(id, AttemptOutcome::NotChecked) => ("settle", Some(id), "not_checked"),
            Operation::Lock => ("lock", None, ""),
            Operation::Adopt(_) => ("adopt", None, ""),
            Operation::Unlock => ("unlock", None, ""),
        };
        let id = id.map(|id| id.as_uuid().to_string()).unwrap_or_default();
        let LockoutPolicy { free_failures, window, steps, quiet, attempt_lifetime } = &self.policy;
        call.arg(name).arg(id).arg(outcome).arg(*free_failures);
        for span in [window, quiet, attempt_lifetime].into_iter().chain(steps) {
            call.arg(TimeDelta::num_milliseconds(span));
        }
        call.arg(self.now());
        call.arg(device.map(|device| device.as_uuid().to_string()).unwrap_or_default());
        match operation {
            Operation::Settle(_, AttemptOutcome::EarlierSuccess(ago)) => {
                call.arg(ago.num_milliseconds());
            }
            Operation::Adopt(lock) => {
                call.arg(lock.attempts).arg(lock.level);
                for time in [lock.first_failed_at, lock.locked_at, lock.unlock_at] {
                    call.arg(time.timestamp_millis());
                }
            }
            _ => {}
        }
        let reply: Reply = call.invoke_async(connection).await.map_err(Unavailable::new)?;
        if reply.6 > 0 {
            tracing::error!(states = reply.6, "the state of a lockout in Redis cannot be read; it begins anew");
            metrics::counter!("comanda_unreadable_records_total", "table" => "redis").increment(reply.6);
        }
        read(&reply)
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "tests replace the clock")]
    fn now(&self) -> String {
        String::new()
    }

    #[cfg(test)]
    fn now(&self) -> String {
        self.now.map(|now| now.timestamp_millis().to_string()).unwrap_or_default()
    }
}

fn read(reply: &Reply) -> Result<Admission, Unavailable> {
    let (status, attempts, level, first_failed_at, locked_at, unlock_at, _) = reply;
    let time = |milliseconds: &i64| {
        DateTime::from_timestamp_millis(*milliseconds)
            .ok_or_else(|| Unavailable::new("the lockout script returned a time out of range"))
    };
    match status.as_str() {
        "allowed" | "open" => Ok(Admission::Allowed),
        "busy" => Ok(Admission::Busy),
        "locked" => Ok(Admission::Locked(Lock {
            attempts: *attempts,
            level: *level,
            first_failed_at: time(first_failed_at)?,
            locked_at: time(locked_at)?,
            unlock_at: time(unlock_at)?,
        })),
        other => Err(Unavailable::new(format!("the lockout script returned the status {other:?}"))),
    }
}

#[async_trait]
impl Lockouts for RedisLockouts {
    async fn begin(&self, claimant: &Claimant, id: AttemptId) -> Result<Admission, Unavailable> {
        let end = Instant::now() + self.patience;
        let mut pause = Duration::from_millis(10);
        loop {
            let admission = self.run(claimant, &Operation::Begin(id)).await?;
            #[cfg(feature = "planted")]
            if comanda_planted::Fault::LockIgnored.is_planted() && matches!(admission, Admission::Locked(_)) {
                return Ok(Admission::Allowed);
            }
            if admission != Admission::Busy || Instant::now() >= end {
                return Ok(admission);
            }
            // Waiting attempts come back at different moments, and less often the longer it takes.
            let jittered = pause.mul_f32(rand::rng().random_range(0.5..1.5));
            tokio::time::sleep(jittered).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }

    async fn settle(
        &self,
        claimant: &Claimant,
        id: AttemptId,
        outcome: AttemptOutcome,
    ) -> Result<Option<Lock>, Unavailable> {
        Ok(match self.run(claimant, &Operation::Settle(id, outcome)).await? {
            Admission::Locked(lock) if outcome == AttemptOutcome::Failure => Some(lock),
            _ => None,
        })
    }

    async fn adopt(&self, claimant: &Claimant, lock: Lock) -> Result<(), Unavailable> {
        self.run(claimant, &Operation::Adopt(lock)).await.map(|_| ())
    }

    async fn unlock(&self, email: &Email) -> Result<(), Unavailable> {
        self.run(&Claimant::stranger(email.clone()), &Operation::Unlock).await.map(|_| ())
    }
}

fn position(last: &LockedAddress) -> LockedAddressPosition {
    LockedAddressPosition { unlock_at: last.lock.unlock_at, email: last.email.clone() }
}

#[async_trait]
impl LockedAddresses for RedisLockouts {
    async fn find(&self, email: &Email) -> Result<Option<LockedAddress>, Unavailable> {
        Ok(match self.run(&Claimant::stranger(email.clone()), &Operation::Lock).await? {
            Admission::Locked(lock) => Some(LockedAddress { email: email.clone(), lock }),
            Admission::Allowed | Admission::Busy => None,
        })
    }

    async fn list(&self, query: LockoutsQuery) -> Result<Page<LockedAddress, LockedAddressPosition>, Unavailable> {
        /// How many addresses are read from the index at a time.
        const PART: usize = 200;

        let LockoutsQuery { reason, after, limit } = query;
        let mut connection = self.connections.take().await?;
        let time: (i64, i64) = redis::cmd("TIME").query_async(&mut *connection).await.map_err(Unavailable::new)?;
        let now = time.0 * 1000 + time.1 / 1000;
        let from = after.as_ref().map_or(now, |position| position.unlock_at.timestamp_millis());
        let () = redis::cmd("ZREMRANGEBYSCORE")
            .arg(INDEX)
            .arg("-inf")
            .arg(now)
            .query_async(&mut *connection)
            .await
            .map_err(Unavailable::new)?;
        let wanted = limit.get() as usize + 1;
        let mut entries = Vec::with_capacity(wanted);
        for offset in (0..).step_by(PART) {
            let part: Vec<(String, i64)> = redis::cmd("ZRANGE")
                .arg(INDEX)
                .arg(from)
                .arg("+inf")
                .arg("BYSCORE")
                .arg("LIMIT")
                .arg(offset)
                .arg(PART)
                .arg("WITHSCORES")
                .query_async(&mut *connection)
                .await
                .map_err(Unavailable::new)?;
            let is_last = part.len() < PART;
            for (address, unlock_at) in part {
                let seen = after.as_ref().is_some_and(|position| {
                    (unlock_at, address.as_str()) <= (position.unlock_at.timestamp_millis(), position.email.as_str())
                });
                if seen {
                    continue;
                }
                let stranger = Claimant::stranger(Email::stored(&address));
                if let Admission::Locked(lock) = self.run_on(&mut *connection, &stranger, &Operation::Lock).await?
                    && reason.is_none_or(|reason| lock.reason() == reason)
                {
                    entries.push(LockedAddress { email: stranger.email, lock });
                }
                if entries.len() == wanted {
                    return Ok(Page::from_one_more(entries, limit, position));
                }
            }
            if is_last {
                break;
            }
        }
        Ok(Page::from_one_more(entries, limit, position))
    }
}

#[cfg(test)]
mod tests;
