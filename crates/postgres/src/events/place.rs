//! Where a subscriber is among the events.

use comanda_domain::ports::Unavailable;
use diesel::{
    OptionalExtension, sql_query,
    sql_types::{Integer, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::database::{Named, PLACE_COLUMNS, PLACE_JOINS, Place};

/// `None` before the first delivery.
pub(super) async fn place(connection: &mut AsyncPgConnection, subscriber: &str) -> Result<Option<Place>, Unavailable> {
    sql_query(format!("SELECT {PLACE_COLUMNS} FROM outbox_subscribers p {PLACE_JOINS} WHERE p.name = $1"))
        .bind::<Text, _>(subscriber)
        .get_result(connection)
        .one("outbox.find_place")
        .await
        .optional()
        .map_err(Unavailable::new)
}

/// Everything of the histories before was delivered.
pub(super) async fn begin_history(
    connection: &mut AsyncPgConnection,
    subscriber: &str,
    history: i32,
) -> Result<(), Unavailable> {
    sql_query(
        "UPDATE outbox_subscribers SET history = h.id, transaction_id = h.first_transaction, event_id = 0 \
         FROM database_histories h WHERE name = $1 AND h.id = $2",
    )
    .bind::<Text, _>(subscriber)
    .bind::<Integer, _>(history)
    .execute(connection)
    .changes("outbox.begin_history")
    .await
    .map(|_| ())
    .map_err(Unavailable::new)
}
