use comanda_domain::{
    Timestamp,
    ports::{InboxEvent, Unavailable},
};
use diesel::{
    sql_query,
    sql_types::{Text, Timestamptz},
};
use diesel_async::RunQueryDsl;

use super::PostgresPayments;
use crate::database::Named;

pub(super) async fn receive(
    payments: &PostgresPayments,
    event: InboxEvent,
    at: Timestamp,
) -> Result<bool, Unavailable> {
    let mut connection = payments.database.connection().await?;
    let received =
        sql_query("INSERT INTO gateway_events (id, received_at, body) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING")
            .bind::<Text, _>(&event.id)
            .bind::<Timestamptz, _>(at)
            .bind::<Text, _>(&event.body)
            .execute(&mut *connection)
            .changes("gateway_event.insert")
            .await
            .map_err(Unavailable::new)?;
    Ok(received == 1)
}
