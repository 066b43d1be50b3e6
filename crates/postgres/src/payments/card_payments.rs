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
    let rows: Vec<PaymentRow> = payments::table
        .filter(payments::method.eq(PaymentMethod::Card.as_str()))
        .filter(payments::begun_at.ge(since))
        .filter(payments::id.gt(after.map_or(Uuid::nil(), PaymentId::as_uuid)))
        .order(payments::id)
        .limit(i64::from(limit))
        .select(PaymentRow::as_select())
        .load(&mut *connection)
        .rows("payment.list")
        .await
        .map_err(Unavailable::new)?;
    let card_payment =
        |row: PaymentRow| Ok(CardPayment { intent: row.intent(), payment: row.payment(database.currency())? });
    rows.into_iter().map(card_payment).collect()
}
