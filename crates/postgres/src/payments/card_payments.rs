use std::time::Duration;

use comanda_domain::{
    Money, PaymentId, Timestamp,
    ports::{CardPayment, Unavailable},
};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Integer, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{at_most, row::PaymentRow};
use crate::database::{Database, NamedRows};

#[derive(QueryableByName)]
struct CardPaymentRow {
    #[diesel(embed)]
    payment: PaymentRow,
    #[diesel(sql_type = BigInt)]
    returned: i64,
}

pub(super) async fn card_payments(
    database: &Database,
    since: Timestamp,
    after: Option<PaymentId>,
    limit: u32,
) -> Result<Vec<CardPayment>, Unavailable> {
    // Ids begin with the time at which they were made, by the clock of the server that made them.
    let earliest = lowest_id(since - Duration::from_hours(1));
    let mut connection = database.read_connection().await?;
    let mut after = after.map_or(earliest, |after| after.as_uuid().max(earliest));
    loop {
        let rows: Vec<CardPaymentRow> = sql_query(include_str!("card_payments.sql"))
            .bind::<SqlUuid, _>(after)
            .bind::<Timestamptz, _>(since)
            .bind::<Integer, _>(at_most(limit))
            .load(&mut *connection)
            .rows("payment.list")
            .await
            .map_err(Unavailable::new)?;
        let Some(last) = rows.last().map(|row| row.payment.id()) else { return Ok(Vec::new()) };
        let currency = database.currency();
        let card_payment = |CardPaymentRow { payment, returned }: CardPaymentRow| {
            let (intent, returned) = (payment.intent(), Money::new(returned, currency));
            Some(CardPayment { intent, returned, payment: payment.payment(currency).ok()? })
        };
        let readable: Vec<CardPayment> = rows.into_iter().filter_map(card_payment).collect();
        // An empty list would mean that there are no more.
        if !readable.is_empty() {
            return Ok(readable);
        }
        after = last;
    }
}

/// The lowest `UUIDv7` of a moment, which is found by the primary key instead of looking at the whole history.
fn lowest_id(at: Timestamp) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0) & 0xFFFF_FFFF_FFFF;
    Uuid::from_u128(u128::from(millis) << 80)
}
