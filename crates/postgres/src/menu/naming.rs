//! Giving names to menu items that are on the menu already.

use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::database::Named;

/// The key of the advisory lock: any number that nothing else in this database uses for one.
const LOCK: i64 = 0x636f_6d61_6e64_616d;

/// Whoever gives names does so one after the other: two that exchange names would wait for each other, each for the
/// name that the other one is about to leave. Comes before the rows are locked.
pub(super) async fn take_turns(connection: &mut AsyncPgConnection) -> QueryResult<()> {
    let lock = sql::<Text>("pg_advisory_xact_lock(").bind::<BigInt, _>(LOCK).sql(")::text");
    diesel::select(lock).get_result::<String>(connection).one("menu.take_turn_at_naming").await.map(drop)
}
