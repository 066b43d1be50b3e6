use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::Context;
use comanda_application::{Events, Operations, Setup, operations::EndSessions, orders::CancelOrders};
use comanda_domain::ports::Clock;
use comanda_postgres::{
    Database, PostgresAccounts, PostgresAuditLog, PostgresFlagSettings, PostgresMenu, PostgresOrders, PostgresPayments,
    PostgresSessions, PostgresSupplies,
};

use super::{accounts, database, events};
use crate::{
    config::{EventsConfig, LockoutsConfig, OrdersConfig, StoreConfig},
    security::SecurityEvents,
    system::{SystemClock, UuidV7},
    workers::{RunningWorkers, Workers},
};

/// The database, for a command. No customer waits for a command, so a transaction may take a minute.
pub async fn open_database(config: &StoreConfig) -> anyhow::Result<Database> {
    database::connect(&config.database, config.currency, Duration::from_mins(1)).await
}

/// What commands set a deployment up with, and the workers it needs for as long as it is used.
pub async fn setup(config: &StoreConfig) -> anyhow::Result<(Setup, RunningWorkers)> {
    let database = open_database(config).await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut workers = Workers::new(clock.clone());
    let menu = Arc::new(PostgresMenu::new(database.clone()));
    let supplies = Arc::new(PostgresSupplies::new(database.clone()));
    let setup = Setup {
        accounts: Arc::new(PostgresAccounts::new(database)),
        menu: menu.clone(),
        live_menu: menu,
        supplies: supplies.clone(),
        supply_list: supplies,
        hasher: accounts::hasher(&config.passwords, &mut workers)?,
        security: Arc::new(SecurityEvents::without_addresses()),
        ids: Arc::new(UuidV7),
        clock,
    };
    Ok((setup, workers.start().context("cannot start the workers")?))
}

/// What commands operate a running deployment with. While Redis is gone, servers learn from the audit log what is to be
/// unlocked.
pub async fn operations(config: &LockoutsConfig) -> anyhow::Result<Operations> {
    const WAIT: Duration = Duration::from_secs(5);
    let database = database::connect(&config.database, config.currency, Duration::from_secs(10)).await?;
    let redis = config.redis.connections(1, WAIT)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let lockouts = accounts::lockouts(&config.lockouts, &redis, &clock);
    Ok(Operations {
        accounts: accounts::stored(&database),
        lockouts: lockouts.clone(),
        locked_addresses: lockouts,
        audit_log: Arc::new(PostgresAuditLog::new(database.clone())),
        security: Arc::new(SecurityEvents::without_addresses()),
        flag_settings: Arc::new(PostgresFlagSettings::new(database)),
        flag_defaults: config.flags,
        clock,
    })
}

/// What commands look at events with, and resend them, and the names of all subscribers: those of the settings, and
/// those that the database knows. Servers deliver events.
pub async fn deliveries(config: &EventsConfig) -> anyhow::Result<(Events, BTreeSet<String>)> {
    let database = database::connect(&config.database, config.currency, Duration::from_secs(10)).await?;
    let served = events::subscribers(&config.mail, &config.webhooks);
    let mut known = BTreeSet::from_iter(comanda_postgres::names_of_subscribers(&database).await?);
    known.extend(served.iter().cloned());
    let (outbox, clock) = (events::outbox(&database), Arc::new(SystemClock));
    Ok((Events { outbox, clock, retries: config.outbox.retries(), served }, known))
}

/// What commands cancel orders with. Servers read the version of the menu from the database, so nobody else needs to
/// be told of stock that comes back.
pub async fn cancel_orders(config: &OrdersConfig) -> anyhow::Result<CancelOrders> {
    let database = database::connect(&config.database, config.currency, Duration::from_secs(10)).await?;
    Ok(CancelOrders {
        orders: Arc::new(PostgresOrders::new(database.clone(), config.placement.config(), Arc::new(()))),
        payments: Arc::new(PostgresPayments::new(database)),
        ids: Arc::new(UuidV7),
        clock: Arc::new(SystemClock),
    })
}

/// What commands end sessions with.
pub async fn end_sessions(config: &StoreConfig) -> anyhow::Result<EndSessions> {
    let database = open_database(config).await?;
    Ok(EndSessions {
        accounts: Arc::new(PostgresAccounts::new(database.clone())),
        sessions: Arc::new(PostgresSessions::new(database)),
        security: Arc::new(SecurityEvents::without_addresses()),
        clock: Arc::new(SystemClock),
    })
}
