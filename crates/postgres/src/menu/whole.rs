use comanda_domain::{
    Currency,
    ports::{Unavailable, WholeMenu},
};
use diesel::{dsl::sql, prelude::*, sql_types::Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use thiserror::Error;
use uuid::Uuid;

use super::{StockedDefinitions, row::MenuItemRow, version::VersionRow};
use crate::database::{
    Database, Failure, LOG_PLACE, NamedRows, flush_what_was_read_before_to_disk,
    schema::{menu_items, menu_version},
};

#[derive(Debug, Error)]
#[error("the table menu_version is empty")]
struct NoVersion;

pub(super) async fn whole(database: &Database) -> Result<WholeMenu, Unavailable> {
    Ok(MenuRead::on(&mut *database.read_connection().await?, database.currency()).await?.menu)
}

/// The menu as one snapshot has it: its version is that of all that was read, and stands for this menu and no other.
pub(super) struct MenuRead {
    pub(super) menu: WholeMenu,
    /// Whether the database is where the epoch of the version began.
    pub(super) is_in_place: bool,
    log_place: String,
}

impl MenuRead {
    pub(super) async fn on(connection: &mut AsyncPgConnection, currency: Currency) -> Result<Self, Unavailable> {
        let read = connection
            .build_transaction()
            .read_only()
            .repeatable_read()
            .run::<_, Failure<Unavailable>, _>(async move |connection: &mut AsyncPgConnection| {
                Ok(Self::read(connection, currency).await?)
            })
            .await
            .map_err(|failure| failure.0)?;
        // What a crash can still undo is not shown: its version would stand for another menu later. (A failover begins
        // another epoch.)
        flush_what_was_read_before_to_disk(connection, &read.log_place).await.map_err(Unavailable::new)?;
        Ok(read)
    }

    async fn read(connection: &mut AsyncPgConnection, currency: Currency) -> Result<Self, Unavailable> {
        let rows: Vec<(VersionRow, String, Option<MenuItemRow>)> = menu_version::table
            .left_join(menu_items::table.on(menu_items::archived_at.is_null()))
            .order((menu_items::category, menu_items::name, menu_items::id))
            .select((VersionRow::as_select(), sql::<Text>(LOG_PLACE), Option::<MenuItemRow>::as_select()))
            .load(connection)
            .rows("menu.whole")
            .await
            .map_err(Unavailable::new)?;
        let ids: Vec<Uuid> = rows.iter().filter_map(|(.., item)| item.as_ref()).map(|item| item.id).collect();
        let definitions = StockedDefinitions::read(connection, &ids, currency).await?;
        let (mut found, mut items) = (None, Vec::with_capacity(rows.len()));
        for (version, log_place, item) in rows {
            found.get_or_insert((version, log_place));
            // Whatever cannot be read is logged; the rest of the menu is there all the same.
            items.extend(item.and_then(|item| {
                let definition = definitions.of(item.id).ok()?;
                item.into_item(definition, currency).ok()
            }));
        }
        let (version, log_place) = found.ok_or_else(|| Unavailable::new(NoVersion))?;
        let is_in_place = version.is_in_place;
        Ok(Self { menu: WholeMenu { version: version.try_into()?, items }, is_in_place, log_place })
    }
}
