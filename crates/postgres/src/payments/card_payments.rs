use comanda_domain::{
    PaymentId, PaymentMethod, Timestamp,
    ports::{CardPayment, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::row::PaymentRow;
use crate::database::{Database, NamedRows, schema::payments};

pub(super) async fn card_payments(
    database: &Database,
    since: Timestamp,
    after: Option<PaymentId>,
    limit: u32,
) -> Result<Vec<CardPayment>, Unavailable> {
    let mut connection = database.read_connection().await?;
    let mut after = after.map_or(Uuid::nil(), PaymentId::as_uuid);
    loop {
        let rows: Vec<PaymentRow> = payments::table
            .filter(payments::method.eq(PaymentMethod::Card.as_str()))
            .filter(payments::begun_at.ge(since))
            .filter(payments::id.gt(after))
            .order(payments::id)
            .limit(i64::from(limit))
            .select(PaymentRow::as_select())
            .load(&mut *connection)
            .rows("payment.list")
            .await
            .map_err(Unavailable::new)?;
        let Some(last) = rows.last().map(PaymentRow::id) else { return Ok(Vec::new()) };
        let card_payment = |row: PaymentRow| {
            Some(CardPayment { intent: row.intent(), payment: row.payment(database.currency()).ok()? })
        };
        let readable: Vec<CardPayment> = rows.into_iter().filter_map(card_payment).collect();
        // An empty list would mean that there are no more.
        if !readable.is_empty() {
            return Ok(readable);
        }
        after = last;
    }
}
