use comanda_domain::{
    Currency,
    ports::{MenuVersion, Unavailable, WholeMenu},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use thiserror::Error;
use uuid::Uuid;

use super::{
    StockedDefinitions,
    row::MenuItemRow,
    version::{VersionRow, read_version},
};
use crate::database::{
    Database, NamedRows,
    schema::{menu_items, menu_version},
};

#[derive(Debug, Error)]
#[error("the table menu_version is empty")]
struct NoVersion;

pub(super) async fn whole(database: &Database) -> Result<WholeMenu, Unavailable> {
    read_whole(&mut *database.read_connection().await?, database.currency()).await.map(|(menu, _)| menu)
}

/// How often the menu is read before it is taken as it is, though it changed each time.
const ATTEMPTS: usize = 3;

/// The menu, and whether the database is where the epoch of its version began.
pub(super) async fn read_whole(
    connection: &mut AsyncPgConnection,
    currency: Currency,
) -> Result<(WholeMenu, bool), Unavailable> {
    let mut read = read_once(connection, currency).await?;
    for _ in 1..ATTEMPTS {
        // What was read after the version may be newer than it. Whoever changed it has raised the version since, so
        // that what is read now is replaced soon, whatever it is.
        let version: MenuVersion = read_version(connection).await?.try_into()?;
        if version == read.0.version {
            break;
        }
        read = read_once(connection, currency).await?;
    }
    Ok(read)
}

async fn read_once(connection: &mut AsyncPgConnection, currency: Currency) -> Result<(WholeMenu, bool), Unavailable> {
    // One statement, and so one snapshot: the version is that of these very rows.
    let rows: Vec<(VersionRow, Option<MenuItemRow>)> = menu_version::table
        .left_join(menu_items::table.on(menu_items::archived_at.is_null()))
        .order((menu_items::category, menu_items::name, menu_items::id))
        .select((VersionRow::as_select(), Option::<MenuItemRow>::as_select()))
        .load(connection)
        .rows("menu.whole")
        .await
        .map_err(Unavailable::new)?;
    let ids: Vec<Uuid> = rows.iter().filter_map(|(_, item)| item.as_ref()).map(|item| item.id).collect();
    let definitions = StockedDefinitions::read(connection, &ids, currency).await?;
    let (mut version, mut items) = (None, Vec::with_capacity(rows.len()));
    for (row, item) in rows {
        version.get_or_insert(row);
        // Whatever cannot be read is logged; the rest of the menu is there all the same.
        items.extend(item.and_then(|item| {
            let definition = definitions.of(item.id).ok()?;
            item.into_item(definition, currency).ok()
        }));
    }
    let version = version.ok_or_else(|| Unavailable::new(NoVersion))?;
    let is_in_place = version.is_in_place;
    Ok((WholeMenu { version: version.try_into()?, items }, is_in_place))
}
