//! A streaming replica for reads that may be slightly out of date, used for as long as it keeps up.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use comanda_domain::ports::Unavailable;
use diesel::{dsl::sql, sql_types::Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use metrics::gauge;
use tokio::sync;

use super::{DatabaseUrl, connections::Connections, establish::establish, named::Named};

/// How long one comparison may take.
const COMPARISON_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the outcome of a comparison counts. Comparisons are made several times a second; should they stop, the
/// replica is not used.
const VALIDITY: Duration = Duration::from_secs(2);

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
        let comparison = Comparison {
            primary_url,
            url,
            limit,
            positions: VecDeque::new(),
            seen: None,
            connections: None,
            was_fresh: None,
        };
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
    positions: VecDeque<(Instant, u64)>,
    /// The latest moment up to which the replica has replayed the log.
    seen: Option<Instant>,
    connections: Option<(AsyncPgConnection, AsyncPgConnection)>,
    was_fresh: Option<bool>,
}

impl Comparison {
    fn is_fresh(&mut self) -> bool {
        let lag = self.seen.map_or(Duration::MAX, |seen| seen.elapsed());
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
        let written = position(&mut primary, "pg_current_wal_lsn()::text").await?;
        // Fails once the replica is promoted: then it replays nothing, and is no replica any more.
        let replayed = position(&mut replica, "pg_last_wal_replay_lsn()::text").await?;
        self.positions.push_back((now, written));
        while let Some((moment, _)) = self.positions.pop_front_if(|(_, position)| *position <= replayed) {
            self.seen = Some(moment);
        }
        self.connections = Some((primary, replica));
        Ok(())
    }
}

async fn position(connection: &mut AsyncPgConnection, expression: &str) -> Result<u64, Unavailable> {
    let text: String = diesel::select(sql::<Text>(expression))
        .get_result(connection)
        .one("replica.look")
        .await
        .map_err(Unavailable::new)?;
    read_position(&text).ok_or_else(|| Unavailable::new(format!("{text:?} is not a position in a log")))
}

/// Two hexadecimal halves (PostgreSQL's manual, "`pg_lsn` Type").
fn read_position(text: &str) -> Option<u64> {
    let (high, low) = text.split_once('/')?;
    Some(u64::from_str_radix(high, 16).ok()? << 32 | u64::from_str_radix(low, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::read_position;

    #[test]
    fn positions_are_compared_as_numbers() {
        assert_eq!(read_position("16/B374D848"), Some(0x16_B374_D848));
        assert!(read_position("1/0") > read_position("0/FFFFFFFF"));
        assert_eq!(read_position("nowhere"), None);
    }
}
