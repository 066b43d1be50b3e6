use std::time::{Duration, Instant};

use comanda_domain::ports::Unavailable;
use comanda_tls::refusal;
use thiserror::Error;
use tokio_postgres::error::SqlState;

use super::DatabaseUrl;

/// No host of a URL has accepted a connection.
#[derive(Debug, Error)]
#[error("cannot connect to PostgreSQL at {reasons}")]
pub(super) struct ConnectionFailed {
    /// Each host with its port, and why it did not.
    pub(super) reasons: String,
    /// The last host's.
    #[source]
    pub(super) last: tokio_postgres::Error,
}

impl ConnectionFailed {
    /// Whether waiting may help: nobody listens yet, or there is no place at the moment. It does not change a password.
    fn may_pass(&self) -> bool {
        match self.last.code() {
            Some(code) => [SqlState::CANNOT_CONNECT_NOW, SqlState::TOO_MANY_CONNECTIONS].contains(code),
            None => refusal(&self.last).is_none(),
        }
    }
}

impl DatabaseUrl {
    /// Waits until PostgreSQL accepts a connection, for `limit` at most, and only while waiting may help. The error
    /// says why there is none.
    pub async fn wait(&self, limit: Duration) -> Result<(), Unavailable> {
        /// How long one attempt may take, whatever the limit.
        const ATTEMPT: Duration = Duration::from_secs(2);
        const PAUSE: Duration = Duration::from_millis(250);
        let end = Instant::now() + limit;
        loop {
            match tokio::time::timeout(ATTEMPT, self.connect()).await {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(failure)) if !failure.may_pass() || Instant::now() + PAUSE > end => {
                    return Err(Unavailable::new(failure));
                }
                Err(_) if Instant::now() + PAUSE > end => return Err(self.no_connection()),
                Ok(Err(_)) | Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}
