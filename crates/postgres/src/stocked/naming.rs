//! Giving names to menu items and supplies that have one already, and categories to stations.

use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::database::Named;

/// The key of the advisory lock for one kind of names: any number that nothing else in this database uses for one.
pub(crate) struct Turns(i64);

pub(crate) const NAMES_ON_THE_MENU: Turns = Turns(0x636f_6d61_6e64_616d);

pub(crate) const NAMES_OF_SUPPLIES: Turns = Turns(0x636f_6d61_6e64_6173);

/// Of whoever changes stations: a category goes to one of them.
pub(crate) const STATIONS: Turns = Turns(0x636f_6d61_6e64_616b);

/// Whoever gives names does so one after the other: two that exchange names would wait for each other, each for the
/// name that the other one is about to leave. Comes before the rows are locked.
pub(crate) async fn take_turns(connection: &mut AsyncPgConnection, Turns(key): Turns) -> QueryResult<()> {
    let lock = sql::<Text>("pg_advisory_xact_lock(").bind::<BigInt, _>(key).sql(")::text");
    diesel::select(lock).get_result::<String>(connection).one("stocked.take_turn_at_naming").await.map(drop)
}
