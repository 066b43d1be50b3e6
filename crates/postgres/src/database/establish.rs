//! Opening a connection.

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};

/// Adds timeouts (in seconds; `tokio_postgres::Config` lists the names) that the URL does not set itself. When the
/// database's machine disappears without closing its connections, nobody waits for it much longer than it takes to find
/// its successor.
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
