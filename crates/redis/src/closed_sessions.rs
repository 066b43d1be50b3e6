use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use comanda_domain::{
    ids::SessionId,
    ports::{ClosedSessions, Unavailable},
};
use redis::AsyncCommands;
use redis::streams::{StreamReadOptions, StreamReadReply};

use crate::RedisConnections;

const STREAM: &str = "sessions:closed";
const FIELD: &str = "id";

/// Closed sessions, told to every server by a stream. A request asks the server's own memory and waits for nothing; when Redis is
/// gone, what is known stays known.
pub struct RedisClosedSessions {
    connections: RedisConnections,
    known: Arc<Known>,
}

struct Known {
    ids: RwLock<HashMap<SessionId, Instant>>,
    /// For how long a session must be remembered as closed: the longest life of a token.
    retention: Duration,
    /// Closed here while Redis was out of reach.
    untold: Mutex<Vec<SessionId>>,
}

impl Known {
    async fn tell(&self, connections: &RedisConnections, ids: &[SessionId]) -> Result<(), Unavailable> {
        let mut connection = connections.pool.get().await.map_err(Unavailable::new)?;
        let mut pipeline = redis::pipe();
        for id in ids {
            let entry = pipeline.cmd("XADD").arg(STREAM).arg("MAXLEN").arg("~").arg(100_000);
            entry.arg("*").arg(FIELD).arg(id.to_string()).ignore();
        }
        pipeline.expire(STREAM, i64::try_from(self.retention.as_secs()).unwrap_or(i64::MAX)).ignore();
        pipeline.query_async(&mut *connection).await.map_err(Unavailable::new)
    }

    /// What could not be told before.
    async fn catch_up(&self, connections: &RedisConnections) -> Result<(), Unavailable> {
        let untold = std::mem::take(&mut *self.untold.lock().unwrap_or_else(PoisonError::into_inner));
        if untold.is_empty() {
            return Ok(());
        }
        self.tell(connections, &untold).await.inspect_err(|_| {
            self.untold.lock().unwrap_or_else(PoisonError::into_inner).extend(&untold);
        })
    }

    fn add(&self, ids: &[SessionId]) {
        let now = Instant::now();
        let mut known = self.ids.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() + ids.len() > known.capacity() {
            known.retain(|_, since| now.duration_since(*since) < self.retention);
        }
        known.extend(ids.iter().map(|id| (*id, now)));
    }
}

impl RedisClosedSessions {
    /// Starts to listen, within a tokio runtime. `closed` are those that were closed before.
    pub fn start(connections: RedisConnections, closed: &[SessionId], retention: Duration) -> Self {
        let known = Arc::new(Known { ids: RwLock::default(), retention, untold: Mutex::default() });
        known.add(closed);
        tokio::spawn(listen(connections.clone(), Arc::clone(&known)));
        Self { connections, known }
    }
}

async fn listen(connections: RedisConnections, known: Arc<Known>) {
    // What was closed before this server started, it was told at its start; a little overlap does no harm.
    let mut last = "0-0".to_owned();
    loop {
        if let Err(error) = follow(&connections, &known, &mut last).await {
            tracing::debug!(%error, "cannot hear of closed sessions");
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
}

/// Until something goes wrong.
async fn follow(connections: &RedisConnections, known: &Known, last: &mut String) -> Result<(), Unavailable> {
    /// Shorter than a connection waits for an answer.
    const BLOCK_MS: usize = 200;

    let mut connection = connections.pool.get().await.map_err(Unavailable::new)?;
    loop {
        known.catch_up(connections).await?;
        let options = StreamReadOptions::default().block(BLOCK_MS).count(1000);
        let reply: Option<StreamReadReply> =
            connection.xread_options(&[STREAM], &[last.as_str()], &options).await.map_err(Unavailable::new)?;
        for entry in reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids) {
            if let Some(id) = entry.get::<String>(FIELD).and_then(|id| id.parse().ok()) {
                known.add(&[SessionId::new(id)]);
            }
            *last = entry.id;
        }
    }
}

#[async_trait]
impl ClosedSessions for RedisClosedSessions {
    async fn announce(&self, ids: &[SessionId]) {
        if ids.is_empty() {
            return;
        }
        self.known.add(ids);
        if let Err(error) = self.known.tell(&self.connections, ids).await {
            tracing::warn!(%error, "other servers do not hear of closed sessions; they will later");
            self.known.untold.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
        }
    }

    fn contains(&self, id: SessionId) -> bool {
        self.known.ids.read().unwrap_or_else(PoisonError::into_inner).contains_key(&id)
    }
}
