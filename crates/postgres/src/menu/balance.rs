//! What the ledger of a menu item comes to, when it is counted again.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::row::UNCOUNTED_STOCK;
use crate::database::{Named, statement};

statement! {
    /// What the ledgers of these menu items, together, come to. It reads every line of every order.
    Balance { items: &'a [Uuid] as Array<SqlUuid> }
    returns BigInt:
    "WITH asked(ids) AS MATERIALIZED (SELECT ",
    ") SELECT (SELECT coalesce(sum(delta), 0) FROM stock_adjustments \
         WHERE menu_item_id = ANY((SELECT ids FROM asked)::uuid[]))::bigint \
       - (SELECT coalesce(sum(l.quantity), 0) FROM order_lines l JOIN orders o ON o.id = l.order_id \
         WHERE l.counted AND l.menu_item_id = ANY((SELECT ids FROM asked)::uuid[]) AND o.status <> 'cancelled')::bigint"
}

/// What the ledger of a menu item that is not counted comes to: nothing, unless servers of the release before have sold
/// it meanwhile, which take from the number that is there for them.
pub(super) async fn balance_of_uncounted(
    connection: &mut AsyncPgConnection,
    item: Uuid,
    stock: i32,
) -> QueryResult<i64> {
    if stock == UNCOUNTED_STOCK {
        return Ok(0);
    }
    Balance { items: &[item] }.get_result(connection).one("menu.ledger_balance").await
}
