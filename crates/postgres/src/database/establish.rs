//! Opening a connection for Diesel.

use diesel::ConnectionError;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};

use super::DatabaseUrl;

/// How soon PostgreSQL notices that the machine at the other end has gone, and ends the session with its locks: within
/// half a minute. Its own default is two hours. Over a Unix socket they do nothing.
const KEEPALIVES: &str = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; \
                          SET tcp_keepalives_count = 3; SET tcp_user_timeout = '20s';";

/// Statements are short. Compiling one takes longer than running it, and PostgreSQL would do so each time that it takes
/// a plan for expensive, which a plan by index in spite of few rows may be.
const PLANS: &str = "SET jit = off;";

/// A connection that `setup` (SQL) was run on.
pub(crate) async fn establish(url: &DatabaseUrl, setup: &str) -> diesel::ConnectionResult<AsyncPgConnection> {
    let (client, wire) = url.connect().await.map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
    let mut connection = AsyncPgConnection::try_from_client_and_connection(client, wire).await?;
    // On their own: an operating system, or a pooler, may not know them all, and works without.
    if let Err(error) = connection.batch_execute(KEEPALIVES).await {
        tracing::warn!(%error, "PostgreSQL will be slow to notice should this machine vanish");
    }
    #[cfg(feature = "planted")]
    connection.batch_execute(crate::planted::setup()).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    connection.batch_execute(&format!("{PLANS} {setup}")).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use comanda_tests::TestDatabase;
    use diesel::{QueryableByName, sql_query, sql_types::Text};
    use diesel_async::RunQueryDsl;

    use super::*;

    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = Text)]
        setting: String,
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn postgresql_notices_that_a_machine_has_gone_within_half_a_minute() {
        let database = TestDatabase::migrated().await;
        for setup in ["", "SET application_name = 'comanda';"] {
            let mut connection = establish(&database.server_url.parse().unwrap(), setup).await.unwrap();
            let sql = "SELECT setting FROM pg_settings WHERE name ~ '^tcp_(keepalives|user)' ORDER BY name";
            let settings: Vec<Setting> = sql_query(sql).load(&mut connection).await.unwrap();
            let settings: Vec<_> = settings.iter().map(|setting| setting.setting.as_str()).collect();
            // count, idle and interval in seconds, and the timeout in milliseconds: as the kernel has them.
            assert_eq!(settings, ["3", "10", "5", "20000"]);
        }
    }
}
