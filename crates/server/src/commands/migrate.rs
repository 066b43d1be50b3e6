use comanda_postgres::MigrateError;

use crate::{
    config::{DatabaseSettings, StoreConfig},
    exit::{Unreachable, UsageError},
    logging,
};

pub async fn run(config: &StoreConfig) -> anyhow::Result<()> {
    logging::start(&config.log, None)?;
    bring_up_to_date(&config.database).await
}

pub(super) async fn bring_up_to_date(settings: &DatabaseSettings) -> anyhow::Result<()> {
    let (url, server_role) = (settings.owner_url(), settings.server_role());
    let migrations = match comanda_postgres::migrate(url, server_role).await {
        Err(MigrateError::Connect(error)) => return Err(Unreachable::postgres(url, &error).await.into()),
        Err(MigrateError::SharedSessions(why)) => return Err(UsageError::new("PostgreSQL", why).into()),
        migrated => migrated?,
    };
    for migration in &migrations {
        tracing::info!(%migration, "migrated");
    }
    if migrations.is_empty() {
        tracing::info!("the database is up to date");
    }
    if let Some(role) = server_role {
        tracing::info!(role, "granted what a server needs");
    }
    Ok(())
}
