//! A streaming replica for reads that may be slightly out of date, used for as long as it keeps up.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use comanda_domain::ports::Unavailable;
use diesel::{dsl::sql, sql_types::Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use metrics::gauge;

use super::{connections::Connections, establish::establish, named::Named};

/// Between two measurements of its lag.
const PERIOD: Duration = Duration::from_millis(250);

/// How long one measurement may take.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The replica's connections.
#[derive(Clone)]
pub(crate) struct Replica {
    pub(crate) connections: Connections,
    fresh: Arc<AtomicBool>,
}

impl Replica {
    /// Measures the lag for as long as the tokio runtime runs. Until the first measurement the replica counts as too
    /// far behind.
    pub(crate) fn watch(connections: Connections, primary_url: String, url: String, limit: Duration) -> Self {
        let fresh = Arc::new(AtomicBool::new(false));
        let watch = Watch { primary_url, url, limit, positions: VecDeque::new(), seen: None, connections: None };
        tokio::spawn(watch.run(Arc::clone(&fresh)));
        Self { connections, fresh }
    }

    pub(crate) fn is_fresh(&self) -> bool {
        AtomicBool::load(&self.fresh, Ordering::Relaxed)
    }
}

/// Compares what the primary had written at known moments with what the replica has replayed. The replica's own clock
/// does not tell how far behind it is, and neither does its last transaction, which may be hours old on a quiet night.
struct Watch {
    primary_url: String,
    url: String,
    limit: Duration,
    /// When the primary's log ended where, as far as the replica has not replayed it yet.
    positions: VecDeque<(Instant, u64)>,
    /// The latest moment up to which the replica has replayed the log.
    seen: Option<Instant>,
    connections: Option<(AsyncPgConnection, AsyncPgConnection)>,
}

impl Watch {
    async fn run(mut self, fresh: Arc<AtomicBool>) {
        let mut was_fresh = None;
        loop {
            let measured = tokio::time::timeout(TIMEOUT, self.measure()).await;
            if !matches!(measured, Ok(Ok(()))) {
                self.connections = None;
            }
            let lag = self.seen.map_or(Duration::MAX, |seen| seen.elapsed());
            gauge!("comanda_replica_lag_seconds").set(lag.min(Duration::from_hours(24)).as_secs_f64());
            let is_fresh = lag <= self.limit;
            fresh.store(is_fresh, Ordering::Relaxed);
            if was_fresh.replace(is_fresh) != Some(is_fresh) {
                tracing::info!(is_fresh, "reads that may be slightly out of date use the replica while it is fresh");
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    async fn measure(&mut self) -> Result<(), Unavailable> {
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
