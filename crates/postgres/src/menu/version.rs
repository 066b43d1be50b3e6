use std::sync::{Mutex, PoisonError};

use comanda_domain::ports::Unavailable;
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Text},
};
use diesel_async::RunQueryDsl;

use super::raise_menu_version;
use crate::database::{Database, Named, WHERE_WRITTEN};

/// The history of the database in which the version was read last.
#[derive(Default)]
pub(super) struct LastHistory(Mutex<Option<String>>);

#[derive(QueryableByName)]
struct VersionRow {
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Text)]
    history: String,
}

pub(super) async fn version(database: &Database, last: &LastHistory) -> Result<u64, Unavailable> {
    let mut row = read(database).await?;
    let is_last = |before: &String| *before == row.history;
    if last.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|before| !is_last(before)) {
        // In another history the same version may be another menu.
        raise_menu_version(&*database.connection().await?).await.map_err(Unavailable::new)?;
        row = read(database).await?;
    }
    *last.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(row.history);
    u64::try_from(row.version).map_err(Unavailable::new)
}

async fn read(database: &Database) -> Result<VersionRow, Unavailable> {
    let mut connection = database.read_connection().await?;
    sql_query(format!("SELECT version, {WHERE_WRITTEN} AS history FROM menu_version"))
        .get_result(&mut *connection)
        .one("menu.version")
        .await
        .map_err(Unavailable::new)
}
