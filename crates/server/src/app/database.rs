use std::time::Duration;

use comanda_domain::Currency;
use comanda_postgres::{Database, DatabaseConfig};

use crate::config::DatabaseSettings;

/// Connects to PostgreSQL. A transaction may take `transaction_limit` at most.
pub(super) async fn connect(
    settings: &DatabaseSettings,
    currency: Currency,
    transaction_limit: Duration,
) -> anyhow::Result<Database> {
    let config = DatabaseConfig {
        url: settings.url.expose().to_owned(),
        currency,
        replica_url: settings.replica_url.as_ref().map(|url| url.expose().to_owned()),
        replica_lag: settings.replica_lag,
        write_connections: settings.write_connections,
        read_connections: settings.read_connections,
        free_read_connections: settings.free_read_connections,
        read_limit: settings.read_limit,
        report_limit: settings.report_limit,
        wait_for_connection: settings.wait_for_connection,
        slow_statement: settings.slow_statement,
        transaction_limit,
    };
    Ok(Database::connect(config).await?)
}
