//! A streaming replica for reads that may be slightly out of date, used for as long as it keeps up.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use comanda_domain::ports::Unavailable;
use diesel::{QueryableByName, sql_query, sql_types::Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use metrics::gauge;
use tokio::sync;

use super::{DatabaseUrl, connections::Connections, establish::establish, named::Named};

/// How long one comparison may take.
const COMPARISON_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the outcome of a comparison counts. Comparisons are made several times a second; should they stop, the
/// replica is not used.
const VALIDITY: Duration = Duration::from_secs(2);

/// The most moments that are remembered while the replica replays nothing. Beyond that, every other one is forgotten.
const MOST_MOMENTS: usize = 256;

/// The replica's connections.
#[derive(Clone)]
pub(crate) struct Replica {
    pub(crate) connections: Connections,
    fresh_until: Arc<Mutex<Option<Instant>>>,
    comparison: Arc<sync::Mutex<Comparison>>,
}

impl Replica {
    /// Until the first comparison it counts as too far behind.
    pub(crate) fn new(connections: Connections, primary_url: DatabaseUrl, url: DatabaseUrl, limit: Duration) -> Self {
        let comparison =
            Comparison { primary_url, url, limit, moments: Moments::default(), connections: None, was_fresh: None };
        Self { connections, fresh_until: Arc::default(), comparison: Arc::new(sync::Mutex::new(comparison)) }
    }

    pub(crate) fn is_fresh(&self) -> bool {
        let fresh_until = *self.fresh_until.lock().unwrap_or_else(PoisonError::into_inner);
        fresh_until.is_some_and(|end| Instant::now() < end)
    }

    /// Finds out how far behind it is.
    pub(crate) async fn compare(&self) -> Result<(), Unavailable> {
        let mut comparison = self.comparison.lock().await;
        let compared = tokio::time::timeout(COMPARISON_TIMEOUT, comparison.compare()).await;
        let outcome = compared.map_err(Unavailable::new).and_then(|outcome| outcome);
        if outcome.is_err() {
            comparison.connections = None;
        }
        let is_fresh = comparison.is_fresh();
        let fresh_until = is_fresh.then(|| Instant::now() + VALIDITY);
        *self.fresh_until.lock().unwrap_or_else(PoisonError::into_inner) = fresh_until;
        outcome
    }
}

/// Compares what the primary had written at known moments with what the replica has replayed. The replica's own clock
/// does not tell how far behind it is, and neither does its last transaction, which may be hours old on a quiet night.
struct Comparison {
    primary_url: DatabaseUrl,
    url: DatabaseUrl,
    limit: Duration,
    /// When the primary's log ended where, as far as the replica has not replayed it yet.
    moments: Moments,
    connections: Option<(AsyncPgConnection, AsyncPgConnection)>,
    was_fresh: Option<bool>,
}

impl Comparison {
    fn is_fresh(&mut self) -> bool {
        let lag = self.moments.replayed_until.map_or(Duration::MAX, |moment| moment.elapsed());
        gauge!("comanda_replica_lag_seconds").set(lag.min(Duration::from_hours(24)).as_secs_f64());
        let is_fresh = lag <= self.limit;
        if self.was_fresh.replace(is_fresh) != Some(is_fresh) {
            tracing::info!(is_fresh, "reads that may be slightly out of date use the replica while it is fresh");
        }
        is_fresh
    }

    async fn compare(&mut self) -> Result<(), Unavailable> {
        let (mut primary, mut replica) = match self.connections.take() {
            Some(connections) => connections,
            None => {
                let setup = "SET application_name = 'comanda-replica-watch'";
                let primary = establish(&self.primary_url, setup).await.map_err(Unavailable::new)?;
                (primary, establish(&self.url, setup).await.map_err(Unavailable::new)?)
            }
        };
        let now = Instant::now();
        let written = position(&mut primary, WRITTEN).await?;
        let replayed = position(&mut replica, REPLAYED).await?;
        self.connections = Some((primary, replica));
        if written.history != replayed.history {
            // Positions of different logs cannot be compared.
            self.moments = Moments::default();
            let (primary, replica) = (written.history, replayed.history);
            return Err(Unavailable::new(format!(
                "the primary writes the log {primary}, the replica replays {replica}"
            )));
        }
        self.moments.add(now, written.at);
        self.moments.replay(replayed.at);
        Ok(())
    }
}

/// Which log ends where.
struct Position {
    /// The cluster and the timeline.
    history: String,
    at: u64,
}

#[derive(QueryableByName)]
struct PositionRow {
    #[diesel(sql_type = Text)]
    history: String,
    #[diesel(sql_type = Text)]
    position: String,
}

const WRITTEN: &str = "SELECT (SELECT system_identifier FROM pg_control_system())::text || '/' \
    || ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int::text AS history, \
    pg_current_wal_lsn()::text AS position";

/// A replica follows its primary to a new timeline at once, but says so only after its next restart point: some minutes
/// in which reads go to the primary. Once it is promoted it is no replica any more.
const REPLAYED: &str = "SELECT (SELECT system_identifier FROM pg_control_system())::text || '/' \
    || CASE WHEN pg_is_in_recovery() \
            THEN greatest((SELECT timeline_id FROM pg_control_checkpoint()), \
                          (SELECT min_recovery_end_timeline FROM pg_control_recovery()))::text \
            ELSE 'its own' END AS history, \
    coalesce(pg_last_wal_replay_lsn()::text, '') AS position";

async fn position(connection: &mut AsyncPgConnection, sql: &str) -> Result<Position, Unavailable> {
    let PositionRow { history, position } =
        sql_query(sql).get_result(connection).one("replica.look").await.map_err(Unavailable::new)?;
    let at = read_position(&position);
    let at = at.ok_or_else(|| Unavailable::new(format!("{position:?} is not a position in a log")))?;
    Ok(Position { history, at })
}

/// When the primary's log ended where, as far as the replica has not replayed it yet.
#[derive(Default)]
struct Moments {
    waiting: VecDeque<(Instant, u64)>,
    /// The latest moment up to which the replica has replayed the log.
    replayed_until: Option<Instant>,
}

impl Moments {
    fn add(&mut self, moment: Instant, written: u64) {
        self.waiting.push_back((moment, written));
        if self.waiting.len() > MOST_MOMENTS {
            let mut number = 0_usize;
            self.waiting.retain(|_| {
                number += 1;
                !number.is_multiple_of(2)
            });
        }
    }

    fn replay(&mut self, replayed: u64) {
        while let Some((moment, _)) = self.waiting.pop_front_if(|(_, written)| *written <= replayed) {
            self.replayed_until = Some(moment);
        }
    }
}

/// Two hexadecimal halves (PostgreSQL's manual, "`pg_lsn` Type").
fn read_position(text: &str) -> Option<u64> {
    let (high, low) = text.split_once('/')?;
    Some(u64::from_str_radix(high, 16).ok()? << 32 | u64::from_str_radix(low, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_compared_as_numbers() {
        assert_eq!(read_position("16/B374D848"), Some(0x16_B374_D848));
        assert!(read_position("1/0") > read_position("0/FFFFFFFF"));
        assert_eq!(read_position("nowhere"), None);
    }

    #[test]
    fn a_replica_that_replays_nothing_for_long_is_followed_in_little_memory() {
        let begin = Instant::now();
        let at = |n: u32| begin + Duration::from_millis(250) * n;
        let mut moments = Moments::default();
        for n in 0..100_000 {
            moments.add(at(n), u64::from(n));
            moments.replay(0);
            assert!(moments.waiting.len() <= MOST_MOMENTS);
        }
        assert_eq!(moments.replayed_until, Some(begin));
        // It goes on: it is never taken for fresher than it is.
        moments.replay(50_000);
        let until = moments.replayed_until.unwrap();
        assert!(until > begin && until <= at(50_000), "{until:?}");
        moments.replay(99_999);
        assert!(moments.waiting.is_empty());
        assert_eq!(moments.replayed_until, Some(at(99_999)));
    }
}
