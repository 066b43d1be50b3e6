use comanda_domain::{ids::PaymentId, ports::Unavailable};
use diesel::{sql_query, sql_types::Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::PostgresPayments;
use crate::database::Named;

pub(super) async fn mark_cancelled(payments: &PostgresPayments, id: PaymentId) -> Result<(), Unavailable> {
    let mut connection = payments.database.connection().await?;
    sql_query("UPDATE payments SET call_off = false, taken_until = NULL WHERE id = $1")
        .bind::<SqlUuid, _>(id.as_uuid())
        .execute(&mut *connection)
        .changes("payment.called_off")
        .await
        .map(|_| ())
        .map_err(Unavailable::new)
}
