use std::{sync::Arc, time::Duration};

use comanda_application::Setup;
use comanda_postgres::{Database, PostgresAccounts, PostgresMenu};

use super::{accounts, database};
use crate::{
    config::StoreConfig,
    system::{SystemClock, UuidV7},
};

/// The database, for a command. No customer waits for a command, so a transaction may take a minute.
pub async fn open_database(config: &StoreConfig) -> anyhow::Result<Database> {
    database::connect(&config.database, config.currency, Duration::from_mins(1)).await
}

/// What commands set a deployment up with.
pub async fn setup(config: &StoreConfig) -> anyhow::Result<Setup> {
    let database = open_database(config).await?;
    let menu = Arc::new(PostgresMenu::new(database.clone()));
    Ok(Setup {
        accounts: Arc::new(PostgresAccounts::new(database)),
        menu: menu.clone(),
        live_menu: menu,
        hasher: Arc::new(accounts::hasher(&config.passwords)?),
        ids: Arc::new(UuidV7),
        clock: Arc::new(SystemClock),
    })
}
