use comanda_postgres::MigrateError;

use crate::{
    config::{DatabaseSettings, StoreConfig},
    exit::Unreachable,
    logging,
};

pub async fn run(config: &StoreConfig) -> anyhow::Result<()> {
    logging::start(&config.log, None)?;
    bring_up_to_date(&config.database).await
}

pub(super) async fn bring_up_to_date(settings: &DatabaseSettings) -> anyhow::Result<()> {
    let migrations = comanda_postgres::migrate(settings.url.expose()).await.map_err(|error| match error {
        MigrateError::Connect(cause) => Unreachable::new("PostgreSQL", settings.url.addresses(), &cause).into(),
        error => anyhow::Error::from(error),
    })?;
    for migration in &migrations {
        tracing::info!(%migration, "migrated");
    }
    if migrations.is_empty() {
        tracing::info!("the database is up to date");
    }
    Ok(())
}
