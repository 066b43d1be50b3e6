use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use comanda_domain::{
    SessionId,
    ports::{ClosedSessions, Unavailable},
};
use redis::AsyncCommands;
use redis::streams::{StreamReadOptions, StreamReadReply};

use crate::RedisConnections;

const STREAM: &str = "sessions:closed";
const FIELD: &str = "id";

/// Closed sessions, announced to every server through a Redis stream. Requests look them up in this process's memory
/// and never wait. Sessions that are known to be closed stay known while Redis is out of reach; what nobody could
/// announce meanwhile is read from the store, and handed to [`RedisClosedSessions::learn`].
pub struct RedisClosedSessions {
    connections: RedisConnections,
    ids: RwLock<HashMap<SessionId, Instant>>,
    /// How long a closed session has to be remembered: the longest lifetime of a token.
    retention: Duration,
}

impl RedisClosedSessions {
    /// How long to wait before connecting again.
    const RECONNECT_AFTER: Duration = Duration::from_millis(250);

    /// `closed` are the sessions that were closed before this server started. Other servers are heard only while
    /// [`RedisClosedSessions::listen`] runs.
    pub fn new(connections: RedisConnections, closed: &[SessionId], retention: Duration) -> Self {
        let sessions = Self { connections, ids: RwLock::default(), retention };
        sessions.learn(closed);
        sessions
    }

    /// Learns of sessions that other servers close; never returns. It reconnects by itself and may be dropped at any
    /// point. Calls `on_success` every time Redis has responded, which is several times a second.
    pub async fn listen(&self, mut on_success: impl FnMut()) {
        // The constructor got what was closed earlier. Reading the whole stream overlaps with that, which does no harm.
        let mut last = "0-0".to_owned();
        loop {
            if let Err(error) = self.follow(&mut last, &mut on_success).await {
                tracing::debug!(%error, "cannot listen for closed sessions");
                tokio::time::sleep(Self::RECONNECT_AFTER).await;
            }
        }
    }

    /// Returns when the connection fails.
    async fn follow(&self, last: &mut String, on_success: &mut impl FnMut()) -> Result<(), Unavailable> {
        /// Shorter than a connection waits for a response.
        const BLOCK_MS: usize = 200;

        let mut connection = self.connections.take().await?;
        loop {
            let options = StreamReadOptions::default().block(BLOCK_MS).count(1000);
            let reply: Option<StreamReadReply> =
                connection.xread_options(&[STREAM], &[last.as_str()], &options).await.map_err(Unavailable::new)?;
            for entry in reply.into_iter().flat_map(|reply| reply.keys).flat_map(|key| key.ids) {
                if let Some(id) = entry.get::<String>(FIELD).and_then(|id| id.parse().ok()) {
                    self.learn(&[SessionId::new(id)]);
                }
                *last = entry.id;
            }
            on_success();
        }
    }

    async fn append(&self, ids: &[SessionId]) -> Result<(), Unavailable> {
        let mut connection = self.connections.take().await?;
        let mut pipeline = redis::pipe();
        for id in ids {
            let entry = pipeline.cmd("XADD").arg(STREAM).arg("MAXLEN").arg("~").arg(100_000);
            entry.arg("*").arg(FIELD).arg(id.to_string()).ignore();
        }
        pipeline.expire(STREAM, i64::try_from(self.retention.as_secs()).unwrap_or(i64::MAX)).ignore();
        pipeline.query_async(&mut *connection).await.map_err(Unavailable::new)
    }

    /// Remembers closed sessions, whoever closed them.
    pub fn learn(&self, ids: &[SessionId]) {
        if ids.is_empty() {
            return;
        }
        let now = Instant::now();
        let mut known = self.ids.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() + ids.len() > known.capacity() {
            known.retain(|_, since| now.duration_since(*since) < self.retention);
        }
        for id in ids {
            known.entry(*id).or_insert(now);
        }
    }
}

#[async_trait]
impl ClosedSessions for RedisClosedSessions {
    async fn announce(&self, ids: &[SessionId]) {
        if ids.is_empty() {
            return;
        }
        self.learn(ids);
        if let Err(error) = self.append(ids).await {
            tracing::debug!(%error, "closed sessions were not announced; other servers find them in the store");
        }
    }

    fn contains(&self, id: SessionId) -> bool {
        #[cfg(feature = "planted")]
        if comanda_planted::Fault::SessionOutlivesEnd.is_planted() {
            return false;
        }
        self.ids.read().unwrap_or_else(PoisonError::into_inner).contains_key(&id)
    }
}
