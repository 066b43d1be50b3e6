use comanda_domain::{
    Timestamp,
    ids::PaymentId,
    payment::PaymentMethod,
    ports::{CardPayment, Unavailable},
};
use diesel::{
    sql_query,
    sql_types::{Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{
    PostgresPayments, at_most,
    row::{COLUMNS, PaymentRow},
};
use crate::database::NamedRows;

pub(super) async fn card_payments(
    payments: &PostgresPayments,
    since: Timestamp,
    after: Option<PaymentId>,
    limit: u32,
) -> Result<Vec<CardPayment>, Unavailable> {
    let mut connection = payments.database.read_connection().await?;
    let rows: Vec<PaymentRow> = sql_query(format!(
        "SELECT {COLUMNS} FROM payments WHERE method = $1 AND begun_at >= $2 AND ($3::uuid IS NULL OR id > $3) \
         ORDER BY id LIMIT $4"
    ))
    .bind::<Text, _>(PaymentMethod::Card.as_str())
    .bind::<Timestamptz, _>(since)
    .bind::<Nullable<SqlUuid>, _>(after.map(PaymentId::as_uuid))
    .bind::<Integer, _>(at_most(limit))
    .load(&mut *connection)
    .rows("payment.list")
    .await
    .map_err(Unavailable::new)?;
    let card_payment =
        |row: PaymentRow| Ok(CardPayment { intent: row.intent(), payment: row.payment(payments.currency)? });
    rows.into_iter().map(card_payment).collect()
}
