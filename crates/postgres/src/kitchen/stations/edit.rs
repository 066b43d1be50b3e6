use comanda_domain::{
    AccountId, AuditAction, AuditRecord, Station, StationEdit, StationId, Timestamp,
    ports::{EditStationError, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{
    categories::{replace, taken_by_others},
    row::{StationRow, column_of},
};
use crate::{
    database::{Database, Failure, Named, schema::kitchen_stations},
    operations::write_record,
    stocked::{STATIONS, take_turns},
};

pub(super) async fn edit(
    database: &Database,
    id: StationId,
    revision: Option<u32>,
    edit: StationEdit,
    edited_by: AccountId,
    at: Timestamp,
) -> Result<Station, EditStationError> {
    database
        .transaction(async move |connection| {
            take_turns(connection, STATIONS).await?;
            let row = StationRow::read(connection, id).await?.ok_or(Failure(EditStationError::NotFound))?;
            let current = row.revision()?;
            if revision.is_some_and(|seen| seen != current) {
                return Err(Failure(EditStationError::Stale { current }));
            }
            let before = row.clone().into_station()?;
            let after = edit.apply_to(before.details.clone());
            let categories = after.categories.as_slice();
            let taken = taken_by_others(connection, id, categories).await?;
            if !taken.is_empty() {
                return Err(Failure(EditStationError::CategoriesTaken(taken)));
            }
            if after == before.details {
                return Ok(before);
            }
            diesel::update(kitchen_stations::table.find(row.id))
                .set((
                    kitchen_stations::revision.eq(row.revision + 1),
                    kitchen_stations::updated_at.eq(at),
                    kitchen_stations::position.eq(column_of(after.place)),
                    kitchen_stations::name.eq(after.name.as_str()),
                ))
                .execute(connection)
                .changes("station.edit")
                .await?;
            if after.categories != before.details.categories {
                replace(connection, id, categories).await?;
            }
            let (action, target) = (AuditAction::StationEdited, id.to_string());
            write_record(connection, &AuditRecord { actor: Some(edited_by), action, target, reason: None, at }).await?;
            let row = StationRow::read(connection, id).await?;
            let row = row.ok_or_else(|| Failure(Unavailable::new("the station was not written").into()))?;
            Ok(row.into_station()?)
        })
        .await
}
