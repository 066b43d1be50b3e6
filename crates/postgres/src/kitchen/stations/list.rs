use std::ops::ControlFlow;

use comanda_domain::{
    Page, Station, StationPosition,
    ports::{StationsQuery, Unavailable},
};
use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{Bool, Integer, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::row::{StationRow, column_of};
use crate::database::{Database, NamedRows, PageOfRows, schema::kitchen_stations};

pub(super) async fn list(
    database: &Database,
    query: StationsQuery,
) -> Result<Page<Station, StationPosition>, Unavailable> {
    let mut page = PageOfRows::new(query.limit);
    let mut after = query.after;
    let mut connection = database.list_connection().await?;
    loop {
        let mut select = kitchen_stations::table
            .filter(kitchen_stations::archived_at.is_null())
            .order((kitchen_stations::position, kitchen_stations::name, kitchen_stations::id))
            .limit(page.rows())
            .select(StationRow::as_select())
            .into_boxed();
        if let Some(StationPosition { place, name, id }) = &after {
            let position = sql::<Bool>("(kitchen_stations.position, kitchen_stations.name, kitchen_stations.id) > (")
                .bind::<Integer, _>(column_of(*place))
                .sql(", ")
                .bind::<Text, _>(name.as_str().to_owned())
                .sql(", ")
                .bind::<SqlUuid, _>(id.as_uuid())
                .sql(")");
            select = select.filter(position);
        }
        let rows = select.load(&mut *connection).rows("station.list").await.map_err(Unavailable::new)?;
        after = rows.last().map(StationRow::position).or(after);
        page = match page.add(rows.into_iter().map(|row| (row.position(), row.into_station()))) {
            ControlFlow::Continue(page) => page,
            ControlFlow::Break(page) => return Ok(page),
        };
    }
}
