//! Which categories go to a station. Stations are changed one after the other, so that what was found here holds.

use comanda_domain::{Category, StationId};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::database::{Named, NamedRows};

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = BigInt)]
    position: i64,
}

fn texts(categories: &[Category]) -> Vec<&str> {
    categories.iter().map(Category::as_str).collect()
}

/// The positions of those that go to other stations.
pub(super) async fn taken_by_others(
    connection: &mut AsyncPgConnection,
    station: StationId,
    categories: &[Category],
) -> QueryResult<Vec<usize>> {
    if categories.is_empty() {
        return Ok(Vec::new());
    }
    let taken: Vec<Taken> = sql_query(
        "SELECT t.position - 1 AS position FROM unnest($1) WITH ORDINALITY AS t(category, position) \
         JOIN kitchen_station_categories c ON c.form = name_form(t.category) \
         WHERE c.station_id <> $2 ORDER BY t.position",
    )
    .bind::<Array<Text>, _>(texts(categories))
    .bind::<SqlUuid, _>(station.as_uuid())
    .load(connection)
    .rows("station.taken_categories")
    .await?;
    Ok(taken.into_iter().filter_map(|taken| usize::try_from(taken.position).ok()).collect())
}

/// Replaces those of a station. One that is written twice counts once.
pub(super) async fn replace(
    connection: &mut AsyncPgConnection,
    station: StationId,
    categories: &[Category],
) -> QueryResult<()> {
    free(connection, station).await?;
    sql_query(
        "INSERT INTO kitchen_station_categories (form, station_id, position, category) \
         SELECT DISTINCT ON (name_form(t.category)) name_form(t.category), $2, t.position, t.category \
         FROM unnest($1) WITH ORDINALITY AS t(category, position) ORDER BY name_form(t.category), t.position",
    )
    .bind::<Array<Text>, _>(texts(categories))
    .bind::<SqlUuid, _>(station.as_uuid())
    .execute(connection)
    .changes("station.insert_categories")
    .await
    .map(|_| ())
}

/// No category goes to the station any more.
pub(super) async fn free(connection: &mut AsyncPgConnection, station: StationId) -> QueryResult<()> {
    sql_query("DELETE FROM kitchen_station_categories WHERE station_id = $1")
        .bind::<SqlUuid, _>(station.as_uuid())
        .execute(connection)
        .changes("station.delete_categories")
        .await
        .map(|_| ())
}
