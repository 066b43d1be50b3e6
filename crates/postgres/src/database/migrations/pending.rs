use comanda_domain::ports::Unavailable;
use diesel::{
    QueryableByName,
    migration::{Migration, MigrationSource},
    pg::Pg,
    sql_query,
    sql_types::{Bool, Text},
};
use diesel_async::RunQueryDsl;

use super::MIGRATIONS;
use crate::database::{Database, Named, NamedRows};

#[derive(QueryableByName)]
struct Migrated {
    #[diesel(sql_type = Bool)]
    is_migrated: bool,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

/// The names of this version's migrations that the database does not have, in the order in which they are applied.
pub async fn pending_migrations(database: &Database) -> Result<Vec<String>, Unavailable> {
    let mut connection = database.connection().await?;
    let there: Migrated = sql_query("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS is_migrated")
        .get_result(&mut *connection)
        .one("migration.is_migrated")
        .await
        .map_err(Unavailable::new)?;
    let applied: Vec<Version> = match there.is_migrated {
        false => Vec::new(),
        true => sql_query("SELECT version::text FROM __diesel_schema_migrations")
            .load(&mut *connection)
            .rows("migration.applied")
            .await
            .map_err(Unavailable::new)?,
    };
    let mut all: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(Unavailable::new)?;
    all.sort_by_key(|migration| migration.name().version().as_owned());
    let is_pending = |migration: &dyn Migration<Pg>| {
        let version = migration.name().version().to_string();
        applied.iter().all(|applied| applied.version != version)
    };
    let pending = all.iter().filter(|migration| is_pending(migration.as_ref()));
    Ok(pending.map(|migration| migration.name().to_string()).collect())
}
