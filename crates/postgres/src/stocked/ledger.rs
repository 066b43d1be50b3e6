//! The ledgers: why the stock of each menu item and of each supply is what it is.

use chrono::{DateTime, Utc};
use comanda_domain::{AccountId, Timestamp};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::database::{
    Named,
    schema::{stock_adjustments, supply_adjustments},
};

macro_rules! ledgers {
    ($($(#[$doc:meta])* $entry:ident: $table:ident($of:ident).changes($statement:literal);)+) => {$(
        $(#[$doc])*
        #[derive(Insertable)]
        #[diesel(table_name = $table)]
        pub(crate) struct $entry {
            $of: Uuid,
            adjusted_by: Option<Uuid>,
            adjusted_at: DateTime<Utc>,
            delta: i32,
            reason: String,
        }

        impl $entry {
            pub(crate) fn new($of: Uuid, by: Option<AccountId>, at: Timestamp, delta: i32, reason: &str) -> Self {
                let adjusted_by = by.map(AccountId::as_uuid);
                Self { $of, adjusted_by, adjusted_at: at, delta, reason: reason.to_owned() }
            }

            pub(crate) async fn write(self, connection: &mut AsyncPgConnection) -> QueryResult<()> {
                Self::write_all(vec![self], connection).await
            }

            pub(crate) async fn write_all(entries: Vec<Self>, connection: &mut AsyncPgConnection) -> QueryResult<()> {
                let inserted = diesel::insert_into($table::table).values(entries).execute(connection);
                inserted.changes($statement).await.map(|_| ())
            }
        }
    )+};
}

ledgers! {
    /// `stock = sum of adjustments - sum of lines of orders that took stock and hold it`, for every menu item that is
    /// counted. That of an item which is not counted comes to nothing: it is closed when the item ceases to be counted,
    /// and so is what orders of before give back.
    LedgerEntry: stock_adjustments(menu_item_id).changes("menu.insert_adjustment");
    /// `stock = sum of adjustments - sum of what lines of orders that hold stock took of it`, for every supply.
    SupplyLedgerEntry: supply_adjustments(supply_id).changes("supply.insert_adjustment");
}
