use std::time::Duration;

use comanda_domain::Currency;
use comanda_postgres::Database;

use crate::{config::DatabaseSettings, exit::Unreachable};

/// Connects to PostgreSQL. A transaction may take `transaction_limit` at most.
pub(super) async fn connect(
    settings: &DatabaseSettings,
    currency: Currency,
    transaction_limit: Duration,
) -> anyhow::Result<Database> {
    let connected = Database::connect(settings.config(currency, transaction_limit)).await;
    Ok(connected.map_err(|error| Unreachable::new("PostgreSQL", settings.url.addresses(), &error))?)
}
