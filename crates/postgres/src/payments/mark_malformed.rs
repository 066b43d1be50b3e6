use comanda_domain::{
    Timestamp,
    ports::{MalformedEvent, Unavailable},
};
use diesel::{
    sql_query,
    sql_types::{Text, Timestamptz},
};
use diesel_async::RunQueryDsl;

use super::PostgresPayments;
use crate::database::Named;

/// The event counts as handled, too: servers of the previous release know nothing of `malformed`, and would try it forever.
pub(super) async fn mark_malformed(
    payments: &PostgresPayments,
    id: &str,
    error: MalformedEvent,
    at: Timestamp,
) -> Result<(), Unavailable> {
    payments.malformed_events.increment(1);
    tracing::error!(event = id, %error, "an event from the payment gateway cannot be read; it stays in gateway_events");
    let mut connection = payments.database.connection().await?;
    sql_query("UPDATE gateway_events SET handled_at = $2, malformed = $3 WHERE id = $1")
        .bind::<Text, _>(id)
        .bind::<Timestamptz, _>(at)
        .bind::<Text, _>(error.0)
        .execute(&mut *connection)
        .changes("gateway_event.malformed")
        .await
        .map(|_| ())
        .map_err(Unavailable::new)
}
