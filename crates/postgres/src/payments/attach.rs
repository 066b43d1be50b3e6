use comanda_domain::{
    Timestamp,
    idempotency::Idempotency,
    ids::PaymentId,
    payment::Intent,
    ports::{Idempotent, PaymentReceipt, Unavailable},
};
use diesel::{
    sql_query,
    sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::{
    PostgresPayments,
    request_key::{answered_before, remember},
    row::{COLUMNS, PaymentRow},
};
use crate::database::{Failure, Named};

pub(super) async fn attach(
    payments: PostgresPayments,
    id: PaymentId,
    intent: Intent,
    idempotency: Option<Idempotency>,
    at: Timestamp,
) -> Result<Idempotent<PaymentReceipt>, Unavailable> {
    let mut connection = payments.database.connection().await?;
    connection
        .transaction::<_, Failure<Unavailable>, _>(async |connection| {
            let sql = format!(
                "UPDATE payments SET intent = $2, client_secret = $3, updated_at = $4, version = version + 1 \
                 WHERE id = $1 RETURNING {COLUMNS}"
            );
            let row: PaymentRow = sql_query(sql)
                .bind::<SqlUuid, _>(id.as_uuid())
                .bind::<Text, _>(&intent.id.0)
                .bind::<Nullable<Text>, _>(intent.client_secret.as_ref().map(|secret| secret.0.as_str()))
                .bind::<Timestamptz, _>(at)
                .get_result(connection)
                .one("payment.attach")
                .await?;
            let mut receipt = row.receipt(payments.currency)?;
            let mut replayed = false;
            if let Some(request) = &idempotency
                && !remember(connection, request, &receipt.payment, at).await?
            {
                // The same request, made at the same time, was a little faster: its response counts.
                let before = answered_before(connection, payments.currency, request, at).await;
                if let Ok(Some(first)) = before {
                    (receipt, replayed) = (first.outcome, true);
                }
            }
            Ok(Idempotent { outcome: receipt, replayed })
        })
        .await
        .map_err(|failure| failure.0)
}
