use comanda_domain::{
    AccountId, AuditAction, AuditRecord, Idempotency, NewStation, Station, StationPlace,
    ports::{AddStationError, Idempotent, Unavailable},
};
use diesel::{dsl::max, prelude::*};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{
    categories::{replace, taken_by_others},
    row::{StationRow, column_of},
};
use crate::{
    database::{Database, Failure, Named, schema::kitchen_stations},
    idempotency::claim,
    operations::write_record,
    stocked::{STATIONS, take_turns},
};

pub(super) async fn add(
    database: &Database,
    station: NewStation,
    added_by: AccountId,
    idempotency: Option<Idempotency>,
) -> Result<Idempotent<Station>, AddStationError> {
    database
        .transaction(async move |connection| {
            let (id, at) = (station.id, station.added_at);
            let kept = match claim::<StationRow, _>(connection, idempotency.as_ref(), at).await?.first()? {
                Ok(kept) => kept,
                Err(row) => return Ok(Idempotent { outcome: row.into_station()?, replayed: true }),
            };
            take_turns(connection, STATIONS).await?;
            let categories = station.categories.as_slice();
            let taken = taken_by_others(connection, id, categories).await?;
            if !taken.is_empty() {
                return Err(Failure(AddStationError::CategoriesTaken(taken)));
            }
            let place = match station.place {
                Some(place) => place,
                None => StationPlace::behind(last_place(connection).await?),
            };
            diesel::insert_into(kitchen_stations::table)
                .values((
                    kitchen_stations::id.eq(id.as_uuid()),
                    kitchen_stations::created_at.eq(at),
                    kitchen_stations::updated_at.eq(at),
                    kitchen_stations::position.eq(column_of(place)),
                    kitchen_stations::name.eq(station.name.as_str()),
                ))
                .execute(connection)
                .changes("station.insert")
                .await?;
            replace(connection, id, categories).await?;
            let (action, target) = (AuditAction::StationAdded, id.to_string());
            let record = AuditRecord { actor: Some(added_by), action, target, reason: None, at };
            write_record(connection, &record).await?;
            let row = StationRow::read(connection, id).await?;
            let row = row.ok_or_else(|| Failure(Unavailable::new("the station was not written").into()))?;
            kept.keep(connection, &row).await?;
            Ok(Idempotent { outcome: row.into_station()?, replayed: false })
        })
        .await
}

async fn last_place(connection: &mut AsyncPgConnection) -> QueryResult<Option<StationPlace>> {
    let last: Option<i32> = kitchen_stations::table
        .filter(kitchen_stations::archived_at.is_null())
        .select(max(kitchen_stations::position))
        .first(connection)
        .one("station.last_place")
        .await?;
    Ok(last.and_then(|place| u32::try_from(place).ok()).map(StationPlace::stored))
}
