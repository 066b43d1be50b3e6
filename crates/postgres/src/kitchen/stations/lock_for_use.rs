use comanda_domain::StationId;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::database::{Named, schema::kitchen_stations};

/// Whether a menu item can be given a station.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Possible,
    /// There is no such station, or it is archived.
    Unknown,
}

/// Keeps a station from being archived until the end of the transaction. Comes before menu items are locked. Those who
/// only write tickets wait for nothing: what refers to a row takes a lesser lock than this one.
pub(crate) async fn lock_for_use(connection: &mut AsyncPgConnection, id: Option<StationId>) -> QueryResult<Use> {
    let Some(id) = id else { return Ok(Use::Possible) };
    let found = kitchen_stations::table
        .filter(kitchen_stations::id.eq(id.as_uuid()).and(kitchen_stations::archived_at.is_null()))
        .select(kitchen_stations::id)
        .for_share()
        .first::<Uuid>(connection)
        .one("station.lock_for_use")
        .await
        .optional()?;
    Ok(if found.is_some() { Use::Possible } else { Use::Unknown })
}
