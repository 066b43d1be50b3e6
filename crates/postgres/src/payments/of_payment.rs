use std::ops::ControlFlow;

use comanda_domain::{OrderId, Page, PageLimit, PaymentId, Refund, RefundId, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::row::RefundRow;
use crate::database::{
    Database, NamedRows, PageOfRows,
    schema::{payments, refunds},
};

pub(super) async fn of_payment(
    database: &Database,
    order_id: OrderId,
    payment_id: PaymentId,
    after: Option<RefundId>,
    limit: PageLimit,
) -> Result<Option<Page<Refund, RefundId>>, Unavailable> {
    let currency = database.currency();
    let mut page = PageOfRows::new(limit);
    let mut after = after.map_or(Uuid::nil(), RefundId::as_uuid);
    let mut connection = database.read_connection().await?;
    loop {
        let rows: Vec<Option<RefundRow>> = payments::table
            .left_join(refunds::table.on(refunds::payment_id.eq(payments::id).and(refunds::id.gt(after))))
            .filter(payments::id.eq(payment_id.as_uuid()).and(payments::order_id.eq(order_id.as_uuid())))
            .order(refunds::id)
            .limit(page.rows())
            .select(Option::<RefundRow>::as_select())
            .load(&mut *connection)
            .rows("refund.list")
            .await
            .map_err(Unavailable::new)?;
        if rows.is_empty() {
            return Ok(None);
        }
        let rows: Vec<RefundRow> = rows.into_iter().flatten().collect();
        after = rows.last().map_or(after, RefundRow::id);
        page = match page.add(rows.into_iter().map(|row| (RefundId::new(row.id()), row.into_refund(currency)))) {
            ControlFlow::Continue(page) => page,
            ControlFlow::Break(page) => return Ok(Some(page)),
        };
    }
}
