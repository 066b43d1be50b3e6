use chrono::{DateTime, Utc};
use comanda_domain::{
    Category, Station, StationCategories, StationDetails, StationId, StationName, StationPlace, StationPosition,
    ports::Readable,
};
use diesel::{
    dsl::sql,
    expression::SqlLiteral,
    prelude::*,
    sql_types::{Array, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::database::{Named, RowOf, StoredTime, schema::kitchen_stations};

/// The categories of a station, in the order in which staff wrote them.
fn categories() -> SqlLiteral<Array<Text>> {
    sql("ARRAY(SELECT c.category FROM kitchen_station_categories c WHERE c.station_id = kitchen_stations.id \
         ORDER BY c.position)")
}

#[derive(Clone, Deserialize, Queryable, Selectable, Serialize)]
#[diesel(table_name = kitchen_stations, check_for_backend(diesel::pg::Pg))]
pub(super) struct StationRow {
    pub(super) id: Uuid,
    #[diesel(deserialize_as = StoredTime)]
    created_at: DateTime<Utc>,
    #[diesel(deserialize_as = StoredTime)]
    updated_at: DateTime<Utc>,
    pub(super) revision: i32,
    position: i32,
    name: String,
    #[diesel(select_expression = categories(), select_expression_type = SqlLiteral<Array<Text>>)]
    categories: Vec<String>,
}

impl StationRow {
    fn of(&self) -> RowOf<Uuid> {
        RowOf { table: "kitchen_stations", id: self.id }
    }

    pub(super) fn revision(&self) -> Readable<u32> {
        self.of().read("revision", u32::try_from(self.revision))
    }

    fn place(&self) -> Readable<StationPlace> {
        self.of().read("position", u32::try_from(self.position)).map(StationPlace::stored)
    }

    /// Where it stands in the list of stations.
    pub(super) fn position(&self) -> StationPosition {
        StationPosition {
            place: StationPlace::stored(u32::try_from(self.position).unwrap_or_default()),
            name: StationName::stored(&self.name),
            id: StationId::new(self.id),
        }
    }

    pub(super) fn into_station(self) -> Readable<Station> {
        let categories = self.categories.iter().map(|category| Category::stored(category)).collect();
        Ok(Station {
            id: StationId::new(self.id),
            details: StationDetails {
                name: StationName::stored(&self.name),
                categories: StationCategories::stored(categories),
                place: self.place()?,
            },
            revision: self.revision()?,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }

    /// The row of a station, or `None` if there is none or it is archived.
    pub(super) async fn read(connection: &mut AsyncPgConnection, id: StationId) -> QueryResult<Option<Self>> {
        kitchen_stations::table
            .filter(kitchen_stations::id.eq(id.as_uuid()).and(kitchen_stations::archived_at.is_null()))
            .select(Self::as_select())
            .first(connection)
            .one("station.find")
            .await
            .optional()
    }
}

/// A place as its column.
pub(super) fn column_of(place: StationPlace) -> i32 {
    i32::try_from(place.get()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it stands in the database. Whoever changes this text locks out the servers of the release before.
    const KEPT: &str = r#"{"id":"00000000-0000-0000-0000-000000000001","created_at":"2026-12-06T12:00:00Z",
        "updated_at":"2026-12-06T12:00:01.500Z","revision":2,"position":3,"name":"Grill","categories":["Mains","BBQ"]}"#;

    #[test]
    fn an_outcome_that_was_kept_is_read() {
        let station = serde_json::from_str::<StationRow>(KEPT).unwrap().into_station().unwrap();
        assert_eq!((station.revision, station.details.place.get()), (2, 3));
        assert_eq!(station.details.name.as_str(), "Grill");
        let categories = station.details.categories.as_slice().iter().map(Category::as_str);
        assert_eq!(categories.collect::<Vec<_>>(), ["Mains", "BBQ"]);
    }
}
