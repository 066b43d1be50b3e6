//! Responses that customers get again when they repeat a request under the same key.

use comanda_domain::{
    Currency, PaymentStatus,
    ports::{BeginPaymentError, Idempotent, PaymentReceipt},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::row::PaymentRow;
use crate::{
    database::{Failure, Named, RowOf, schema::payments},
    idempotency::WithoutOutcome,
};

/// The response of the first request, from the payment as it was then.
pub(super) async fn replay(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    kept: PaymentRow,
) -> Result<Idempotent<PaymentReceipt>, Failure<BeginPaymentError>> {
    let client_secret: Option<String> = payments::table
        .find(kept.id())
        .select(payments::client_secret)
        .first(connection)
        .one("payment.find_secret")
        .await?;
    let outcome = kept.with_secret(client_secret).receipt(currency)?;
    Ok(Idempotent { outcome, replayed: true })
}

/// The response of a server of the release before, which kept the payment's status alone; `None` if there was none.
pub(super) async fn replay_of_old_server(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    request: &WithoutOutcome,
) -> Result<Option<Idempotent<PaymentReceipt>>, Failure<BeginPaymentError>> {
    let (Some(id), Some(status)) = (request.payment, &request.answered_status) else { return Ok(None) };
    let row: PaymentRow = payments::table
        .find(id.as_uuid())
        .select(PaymentRow::as_select())
        .first(connection)
        .one("payment.find")
        .await?;
    let key = RowOf { table: "idempotency_keys", id };
    let status = key.read("answered_status", status.parse::<PaymentStatus>())?;
    let outcome = row.with_status(status).receipt(currency)?;
    Ok(Some(Idempotent { outcome, replayed: true }))
}
