//! Taking stock of menu items and of supplies, and putting it back.

use diesel::sql_types::{Array, BigInt, Bool, Integer, Text, Uuid as SqlUuid};
use uuid::Uuid;

use crate::{database::statement, menu::SupplyChange};

/// Id, version, stock, low-stock threshold, price, name, whether the item is on sale, its revision, and whether it is
/// counted.
pub(super) type StockRow = (Uuid, i64, i32, i32, i64, String, bool, i32, bool);

statement! {
    /// Reads menu items for placing orders, and locks those that are counted until the end of the transaction. Rows are
    /// locked in id order, as by every writer of several items, so that no two writers wait for each other.
    ///
    /// Which items are counted is what the statement found at its beginning. One that was not is read as it was then,
    /// and sold by that. One that was is locked and read as it is by the time of the lock, though it may not be counted
    /// any more: so every item is returned once, whoever changes it meanwhile.
    ReadAndLockCounted { items: &'a [Uuid] as Array<SqlUuid> }
    returns (SqlUuid, BigInt, Integer, Integer, BigInt, Text, Bool, Integer, Bool):
    "WITH asked(ids) AS MATERIALIZED (SELECT ",
    "), \
     uncounted AS MATERIALIZED (SELECT id, version, stock, low_stock_at, price, name, \
         active AND archived_at IS NULL AS on_sale, revision, counted \
       FROM menu_items WHERE NOT counted AND id = ANY((SELECT ids FROM asked)::uuid[])), \
     locked AS MATERIALIZED (SELECT id, version, stock, low_stock_at, price, name, \
         active AND archived_at IS NULL AS on_sale, revision, counted \
       FROM menu_items WHERE id = ANY((SELECT ids FROM asked)::uuid[]) AND id <> ALL(ARRAY(SELECT id FROM uncounted)) \
       ORDER BY id FOR NO KEY UPDATE) \
     SELECT * FROM locked UNION ALL SELECT * FROM uncounted"
}

statement! {
    /// Reads menu items whose stock is to be given back, and locks their rows like [`ReadAndLockCounted`]: also of
    /// those that are not counted any more, so that none is counted again meanwhile.
    ReadAndLockStock { items: &'a [Uuid] as Array<SqlUuid> }
    returns (SqlUuid, BigInt, Integer, Integer, BigInt, Text, Bool, Integer, Bool):
    "SELECT id, version, stock, low_stock_at, price, name, active AND archived_at IS NULL, revision, counted \
     FROM menu_items WHERE id = ANY(",
    ") ORDER BY id FOR NO KEY UPDATE"
}

statement! {
    /// Takes quantities from the stock (negative ones are put back) of those items that are still at the version that
    /// was read and have enough. Fails unless all are.
    ChangeStock {
        items: &'a [Uuid] as Array<SqlUuid>,
        versions: &'a [i64] as Array<BigInt>,
        quantity: &'a [i32] as Array<Integer>,
    }
    returns BigInt:
    "WITH asked AS MATERIALIZED (SELECT * FROM unnest(",
    ") AS t(id, version, quantity)), \
     written AS (UPDATE menu_items i SET stock = i.stock - t.quantity, version = i.version + 1 FROM asked t \
       WHERE i.id = t.id AND i.version = t.version AND i.stock >= t.quantity RETURNING 1) \
     SELECT all_rows((SELECT count(*) FROM written), (SELECT count(*) FROM asked))"
}

/// Id, version, stock, low-stock threshold and name of a supply.
pub(super) type SupplyRow = (Uuid, i64, i32, i32, String);

statement! {
    /// Reads supplies, archived ones too, and locks their rows until the end of the transaction, in id order. Whoever
    /// locks menu items as well has locked those before.
    ReadAndLockSupplies { supplies: &'a [Uuid] as Array<SqlUuid> }
    returns (SqlUuid, BigInt, Integer, Integer, Text):
    "SELECT id, version, stock, low_stock_at, name FROM supplies WHERE id = ANY(",
    ") ORDER BY id FOR NO KEY UPDATE"
}

/// What becomes of a supply if this much is taken of it, or put back if it is negative.
pub(super) const fn supply_change((id, _, stock, low_stock_at, _): &SupplyRow, taken: i32) -> SupplyChange {
    SupplyChange { id: *id, stock: (*stock, stock.saturating_sub(taken)), low_stock_at: (*low_stock_at, *low_stock_at) }
}

statement! {
    /// Takes amounts from supplies (negative ones are put back), as [`ChangeStock`] does from menu items. Fails unless
    /// all are.
    ChangeSupplies {
        supplies: &'a [Uuid] as Array<SqlUuid>,
        versions: &'a [i64] as Array<BigInt>,
        amounts: &'a [i32] as Array<Integer>,
    }
    returns BigInt:
    "WITH asked AS MATERIALIZED (SELECT * FROM unnest(",
    ") AS t(id, version, amount)), \
     written AS (UPDATE supplies s SET stock = s.stock - t.amount, version = s.version + 1 FROM asked t \
       WHERE s.id = t.id AND s.version = t.version AND s.stock >= t.amount RETURNING 1) \
     SELECT all_rows((SELECT count(*) FROM written), (SELECT count(*) FROM asked))"
}
