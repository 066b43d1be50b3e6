//! The stock ledger: `stock = sum of adjustments - sum of lines of orders that hold stock`, for every menu item.

use chrono::{DateTime, Utc};
use comanda_domain::{AccountId, Timestamp};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::database::{Named, schema::stock_adjustments};

/// An entry of the ledger.
#[derive(Insertable)]
#[diesel(table_name = stock_adjustments)]
pub(super) struct LedgerEntry {
    menu_item_id: Uuid,
    adjusted_by: Option<Uuid>,
    adjusted_at: DateTime<Utc>,
    delta: i32,
    reason: String,
}

impl LedgerEntry {
    pub(super) fn new(item: Uuid, by: Option<AccountId>, at: Timestamp, delta: i32, reason: &str) -> Self {
        let adjusted_by = by.map(AccountId::as_uuid);
        Self { menu_item_id: item, adjusted_by, adjusted_at: at, delta, reason: reason.to_owned() }
    }

    pub(super) async fn write(self, connection: &mut AsyncPgConnection) -> QueryResult<()> {
        diesel::insert_into(stock_adjustments::table)
            .values(self)
            .execute(connection)
            .changes("menu.insert_adjustment")
            .await
            .map(|_| ())
    }
}
