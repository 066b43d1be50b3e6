//! Reading payments and keeping them as they are until the end of the transaction. The order is locked first.

use comanda_domain::{
    ids::{OrderId, PaymentId},
    money::Currency,
    payment::{Payment, PaymentStatus},
    ports::Unavailable,
};
use diesel::{
    OptionalExtension, QueryResult, sql_query,
    sql_types::{Array, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::row::{COLUMNS, PaymentRow};
use crate::{
    database::{Named, NamedRows},
    order_row::lock_order,
};

/// Locks an order and one of its payments.
pub(super) async fn lock_payment(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    order_id: OrderId,
    id: PaymentId,
) -> Result<Option<PaymentRow>, Unavailable> {
    if lock_order(connection, currency, order_id).await?.is_none() {
        return Ok(None);
    }
    sql_query(format!("SELECT {COLUMNS} FROM payments WHERE id = $1 AND order_id = $2 FOR UPDATE"))
        .bind::<SqlUuid, _>(id.as_uuid())
        .bind::<SqlUuid, _>(order_id.as_uuid())
        .get_result(connection)
        .one("payment.lock")
        .await
        .optional()
        .map_err(Unavailable::new)
}

/// Locks the payment of a locked order that is open or paid, if there is one.
pub(super) async fn lock_active_payment(
    connection: &mut AsyncPgConnection,
    order_id: OrderId,
) -> QueryResult<Option<PaymentRow>> {
    let statuses: Vec<&str> = PaymentStatus::ACTIVE.iter().map(|status| status.as_str()).collect();
    sql_query(format!("SELECT {COLUMNS} FROM payments WHERE order_id = $1 AND status = ANY($2) FOR UPDATE"))
        .bind::<SqlUuid, _>(order_id.as_uuid())
        .bind::<Array<Text>, _>(statuses)
        .get_result(connection)
        .one("payment.lock")
        .await
        .optional()
}

/// Locks all payments of a locked order, in the order of their ids.
pub(crate) async fn lock_payments(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    order_id: OrderId,
) -> Result<Vec<Payment>, Unavailable> {
    let rows: Vec<PaymentRow> =
        sql_query(format!("SELECT {COLUMNS} FROM payments WHERE order_id = $1 ORDER BY id FOR UPDATE"))
            .bind::<SqlUuid, _>(order_id.as_uuid())
            .load(connection)
            .rows("payment.lock")
            .await
            .map_err(Unavailable::new)?;
    rows.iter().map(|row| Ok(row.payment(currency)?)).collect()
}
