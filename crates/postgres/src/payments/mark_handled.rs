use comanda_domain::{Timestamp, ports::Unavailable};
use diesel::{
    sql_query,
    sql_types::{Text, Timestamptz},
};
use diesel_async::RunQueryDsl;

use super::PostgresPayments;
use crate::database::Named;

pub(super) async fn mark_handled(payments: &PostgresPayments, id: &str, at: Timestamp) -> Result<(), Unavailable> {
    let mut connection = payments.database.connection().await?;
    sql_query("UPDATE gateway_events SET handled_at = $2 WHERE id = $1")
        .bind::<Text, _>(id)
        .bind::<Timestamptz, _>(at)
        .execute(&mut *connection)
        .changes("gateway_event.handled")
        .await
        .map(|_| ())
        .map_err(Unavailable::new)
}
