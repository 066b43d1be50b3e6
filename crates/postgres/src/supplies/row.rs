use chrono::{DateTime, Utc};
use comanda_domain::{
    NewSupply, Stock, Supply, SupplyDetails, SupplyId, SupplyName, SupplyPosition, SupplyUnit, ports::Readable,
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    database::{Named, RowOf, StoredTime, schema::supplies},
    menu::SupplyChange,
    stocked::{ReadMode, Revised, quantity},
};

#[derive(Clone, Deserialize, Queryable, Selectable, Serialize)]
#[diesel(table_name = supplies, check_for_backend(diesel::pg::Pg))]
pub(super) struct SupplyRow {
    pub(super) id: Uuid,
    pub(super) version: i64,
    #[diesel(deserialize_as = StoredTime)]
    created_at: DateTime<Utc>,
    #[diesel(deserialize_as = StoredTime)]
    updated_at: DateTime<Utc>,
    pub(super) stock: i32,
    pub(super) low_stock_at: i32,
    revision: i32,
    unit: String,
    pub(super) name: String,
}

impl Revised for SupplyRow {
    fn revision(&self) -> Readable<u32> {
        self.of().read("revision", u32::try_from(self.revision))
    }
}

impl SupplyRow {
    fn of(&self) -> RowOf<Uuid> {
        RowOf { table: "supplies", id: self.id }
    }

    /// Where it stands in the list of supplies.
    pub(super) fn position(&self) -> SupplyPosition {
        SupplyPosition { name: SupplyName::stored(&self.name), id: SupplyId::new(self.id) }
    }

    pub(super) fn into_supply(self) -> Readable<Supply> {
        let row = self.of();
        let low_stock_at = row.read("low_stock_at", u32::try_from(self.low_stock_at))?;
        Ok(Supply {
            id: SupplyId::new(self.id),
            details: SupplyDetails { name: SupplyName::stored(&self.name), low_stock_at: Stock::stored(low_stock_at) },
            unit: row.read("unit", self.unit.parse::<SupplyUnit>())?,
            stock: row.read("stock", u32::try_from(self.stock))?,
            revision: self.revision()?,
            version: row.read("version", u64::try_from(self.version))?,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }

    /// The row of a supply, or `None` if there is none or it is archived.
    pub(super) async fn read(
        connection: &mut AsyncPgConnection,
        id: SupplyId,
        mode: ReadMode,
    ) -> QueryResult<Option<Self>> {
        let row = supplies::table
            .filter(supplies::id.eq(id.as_uuid()).and(supplies::archived_at.is_null()))
            .select(Self::as_select());
        match mode {
            ReadMode::Unlocked => row.first(connection).one("supply.find").await.optional(),
            ReadMode::Locked => row.for_no_key_update().first(connection).one("supply.lock").await.optional(),
        }
    }

    /// Locks the row as one that is about to be deleted: nothing can begin to refer to it until the end of the
    /// transaction.
    pub(super) async fn lock_against_use(connection: &mut AsyncPgConnection, id: SupplyId) -> QueryResult<()> {
        let row = supplies::table.filter(supplies::id.eq(id.as_uuid())).select(supplies::id).for_update();
        row.first::<Uuid>(connection).one("supply.lock_against_use").await.optional().map(drop)
    }

    /// The row after these changes, unless somebody else has written to it since it was read.
    pub(super) fn write(
        &self,
        changes: Changes,
        connection: &mut AsyncPgConnection,
    ) -> impl Future<Output = QueryResult<Self>> + Send {
        diesel::update(supplies::table)
            .filter(supplies::id.eq(self.id).and(supplies::version.eq(self.version)))
            .set((supplies::version.eq(self.version + 1), changes))
            .returning(Self::as_returning())
            .get_result(connection)
    }

    /// How the stock and the threshold change when the row becomes `after`: customers may see what follows.
    pub(super) fn change_to(&self, after: &Self) -> SupplyChange {
        SupplyChange {
            id: self.id,
            stock: (self.stock, after.stock),
            low_stock_at: (self.low_stock_at, after.low_stock_at),
        }
    }

    /// What changes with the details.
    pub(super) fn with_details(&self, details: &SupplyDetails, at: DateTime<Utc>) -> Changes {
        Changes {
            name: Some(details.name.as_str().to_owned()),
            low_stock_at: Some(quantity(details.low_stock_at)),
            ..self.revised(at)
        }
    }

    /// What changes with whatever an editor decides about it.
    pub(super) fn revised(&self, at: DateTime<Utc>) -> Changes {
        Changes { revision: Some(self.revision + 1), updated_at: Some(at), ..Changes::default() }
    }
}

/// What a write sets; what is `None` stays.
#[derive(AsChangeset, Default)]
#[diesel(table_name = supplies)]
pub(super) struct Changes {
    pub(super) revision: Option<i32>,
    pub(super) updated_at: Option<DateTime<Utc>>,
    pub(super) archived_at: Option<DateTime<Utc>>,
    pub(super) stock: Option<i32>,
    pub(super) low_stock_at: Option<i32>,
    pub(super) name: Option<String>,
}

#[derive(Insertable)]
#[diesel(table_name = supplies)]
pub(super) struct NewSupplyRow {
    id: Uuid,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    stock: i32,
    low_stock_at: i32,
    unit: &'static str,
    name: String,
}

impl NewSupplyRow {
    pub(super) fn of(supply: &NewSupply) -> Self {
        Self {
            id: supply.id.as_uuid(),
            created_at: supply.added_at,
            updated_at: supply.added_at,
            stock: quantity(supply.stock),
            low_stock_at: quantity(supply.details.low_stock_at),
            unit: supply.unit.as_str(),
            name: supply.details.name.as_str().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it stands in the database. Whoever changes this text locks out the servers of the release before.
    const KEPT: &str = r#"{"id":"00000000-0000-0000-0000-000000000001","version":3,
        "created_at":"2026-12-03T12:00:00Z","updated_at":"2026-12-03T12:00:01.500Z","stock":8000,"low_stock_at":500,
        "revision":2,"unit":"g","name":"Dough"}"#;

    #[test]
    fn an_outcome_that_was_kept_is_read() {
        let supply = serde_json::from_str::<SupplyRow>(KEPT).unwrap().into_supply().unwrap();
        assert_eq!((supply.stock, supply.revision, supply.version), (8000, 2, 3));
        assert_eq!((supply.details.name.as_str(), supply.unit), ("Dough", SupplyUnit::Gram));
    }
}
