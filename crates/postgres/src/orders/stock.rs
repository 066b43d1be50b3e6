//! Taking stock of menu items, and putting it back.

use diesel::sql_types::{Array, BigInt, Bool, Integer, Text, Uuid as SqlUuid};
use uuid::Uuid;

use crate::database::statement;

/// Id, version, stock, low-stock threshold, price, name, and whether the item is on sale.
pub(super) type StockRow = (Uuid, i64, i32, i32, i64, String, bool);

statement! {
    /// Reads the stock of menu items and locks their rows until the end of the transaction. Rows are locked in id
    /// order, as by every writer of several items, so that no two writers wait for each other.
    ReadAndLockStock { items: &'a [Uuid] as Array<SqlUuid> }
    returns (SqlUuid, BigInt, Integer, Integer, BigInt, Text, Bool):
    "SELECT id, version, stock, low_stock_at, price, name, active AND archived_at IS NULL \
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
