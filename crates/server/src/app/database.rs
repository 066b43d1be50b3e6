use std::time::Duration;

use comanda_domain::Currency;
use comanda_postgres::{ConnectError, Database};

use crate::{
    config::DatabaseSettings,
    exit::{Unreachable, UsageError},
};

/// Connects to PostgreSQL. A transaction may take `transaction_limit` at most.
pub(super) async fn connect(
    settings: &DatabaseSettings,
    currency: Currency,
    transaction_limit: Duration,
) -> anyhow::Result<Database> {
    match Database::connect(settings.config(currency, transaction_limit)).await {
        Ok(database) => Ok(database),
        Err(ConnectError::SharedSessions(why)) => Err(UsageError::new("DATABASE_URL", why).into()),
        Err(error) => Err(Unreachable::postgres("DATABASE_URL", &settings.url, &error).await.into()),
    }
}
