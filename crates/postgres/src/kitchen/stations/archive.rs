use comanda_domain::{AccountId, AuditAction, AuditRecord, StationId, Timestamp, ports::ArchiveStationError};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{categories::free, row::StationRow};
use crate::{
    database::{
        Database, Failure, Named, NamedRows,
        schema::{kitchen_stations, menu_items},
    },
    menu::raise_menu_version,
    operations::write_record,
    stocked::{STATIONS, take_turns},
};

pub(super) async fn archive(
    database: &Database,
    id: StationId,
    revision: Option<u32>,
    archived_by: AccountId,
    at: Timestamp,
) -> Result<(), ArchiveStationError> {
    database
        .transaction(async move |connection| {
            take_turns(connection, STATIONS).await?;
            let row = StationRow::read(connection, id).await?.ok_or(Failure(ArchiveStationError::NotFound))?;
            let current = row.revision()?;
            if revision.is_some_and(|seen| seen != current) {
                return Err(Failure(ArchiveStationError::Stale { current }));
            }
            // Waits for those who are giving menu items this station, and they for this.
            diesel::update(kitchen_stations::table.find(row.id))
                .set((
                    kitchen_stations::revision.eq(row.revision + 1),
                    kitchen_stations::updated_at.eq(at),
                    kitchen_stations::archived_at.eq(at),
                ))
                .execute(connection)
                .changes("station.archive")
                .await?;
            free(connection, id).await?;
            let (action, target) = (AuditAction::StationArchived, id.to_string());
            let record = AuditRecord { actor: Some(archived_by), action, target, reason: None, at };
            write_record(connection, &record).await?;
            if leave(connection, id, at).await? > 0 {
                raise_menu_version(connection).await?;
            }
            Ok(())
        })
        .await
}

/// Menu items that had the station for their own go where their categories go. Says how many did.
async fn leave(connection: &mut AsyncPgConnection, id: StationId, at: Timestamp) -> QueryResult<usize> {
    // In the order of their ids, as whoever takes several menu items does.
    let items: Vec<Uuid> = menu_items::table
        .filter(menu_items::station_id.eq(id.as_uuid()).and(menu_items::archived_at.is_null()))
        .order(menu_items::id)
        .select(menu_items::id)
        .for_no_key_update()
        .load(connection)
        .rows("station.lock_menu_items")
        .await?;
    if items.is_empty() {
        return Ok(0);
    }
    diesel::update(menu_items::table.filter(menu_items::id.eq_any(items)))
        .set((
            menu_items::station_id.eq(None::<Uuid>),
            menu_items::version.eq(menu_items::version + 1),
            menu_items::revision.eq(menu_items::revision + 1),
            menu_items::updated_at.eq(at),
        ))
        .execute(connection)
        .changes("station.leave")
        .await
}
