//! Which migrations are applied, which are pending, and what those would do.

use std::{any::Any, collections::HashMap};

use diesel::{
    QueryResult,
    connection::{BoxableConnection, SimpleConnection},
    migration::Migration,
    pg::Pg,
};

use super::{
    super::{DatabaseUrl, establish::establish},
    History, MigrateError, READ_ONLY, all_migrations,
    lock::{Holder, holder},
    version,
};

/// How the migrations of a database compare with those of this version.
#[derive(Debug)]
pub struct MigrationStatus {
    /// In their order.
    pub applied: Vec<AppliedMigration>,
    /// In the order in which they would be applied.
    pub pending: Vec<PendingMigration>,
    /// The versions of those that a later release has applied.
    pub unknown: Vec<String>,
    /// The session that migrates at the moment.
    pub under_way: Option<String>,
}

#[derive(Debug)]
pub struct AppliedMigration {
    pub name: String,
    /// In the database's time zone.
    pub applied_at: String,
}

#[derive(Debug)]
pub struct PendingMigration {
    pub name: String,
    /// Whether it is undone as a whole if it fails.
    pub runs_in_transaction: bool,
    pub sql: String,
}

/// Compares. Changes nothing, and waits for nobody.
pub async fn migration_status(url: &DatabaseUrl) -> Result<MigrationStatus, MigrateError> {
    let mut connection = establish(&url.clone().with_time_limits(), READ_ONLY).await?;
    let history = History::read(&mut connection).await.map_err(MigrateError::Applied)?.unwrap_or_default();
    let under_way = holder(&mut connection).await.map_err(MigrateError::Lock)?;
    let describe = |Holder { pid, application, since }| format!("pid {pid} (application {application}, since {since})");
    let names: HashMap<String, String> =
        all_migrations()?.iter().map(|ours| (version(ours.as_ref()), ours.name().to_string())).collect();
    let applied = history.applied.iter().filter_map(|applied| {
        let name = names.get(&applied.version)?.clone();
        Some(AppliedMigration { name, applied_at: applied.applied_at.clone() })
    });
    Ok(MigrationStatus {
        applied: applied.collect(),
        pending: history
            .pending()?
            .iter()
            .map(|pending| describe_pending(pending.as_ref()))
            .collect::<Result<_, _>>()?,
        unknown: history.unknown()?.into_iter().map(str::to_owned).collect(),
        under_way: under_way.map(describe),
    })
}

fn describe_pending(migration: &dyn Migration<Pg>) -> Result<PendingMigration, MigrateError> {
    let mut script = Script::default();
    migration.run(&mut script).map_err(MigrateError::Migration)?;
    Ok(PendingMigration {
        name: migration.name().to_string(),
        runs_in_transaction: migration.metadata().run_in_transaction(),
        sql: script.0,
    })
}

/// Diesel hands out the text of a migration only by running it: this is no connection, and keeps the text.
#[derive(Default)]
struct Script(String);

impl SimpleConnection for Script {
    fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        self.0.push_str(query);
        Ok(())
    }
}

impl BoxableConnection<Pg> for Script {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
