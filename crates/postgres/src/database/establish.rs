//! A new connection, wherever it is for.

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};

/// A machine that has gone without a word must not keep anybody waiting for longer than its successor takes to be found; what the URL
/// says itself counts (`tokio_postgres::Config` lists the names; in seconds).
pub(crate) fn with_time_limits(url: &str) -> String {
    let mut url = url.to_owned();
    for (name, seconds) in [("connect_timeout", 1), ("tcp_user_timeout", 5), ("keepalives_idle", 10)] {
        if !url.contains(&format!("{name}=")) {
            let separator = if url.contains('?') { '&' } else { '?' };
            url = format!("{url}{separator}{name}={seconds}");
        }
    }
    url
}

pub(crate) async fn establish(url: &str, setup: &str) -> diesel::ConnectionResult<AsyncPgConnection> {
    let mut connection = AsyncPgConnection::establish(url).await?;
    connection.batch_execute(setup).await.map_err(diesel::ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}
