//! Events that cannot be read, because somebody wrote past the rules. They will not become readable: each becomes a
//! dead letter, which waits for an admin, and no other event waits for it.

use comanda_domain::{Currency, Event, OrderId, ports::Unavailable};
use diesel::{ExpressionMethods, dsl::now, upsert::excluded};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::row::EventRow;
use crate::{
    database::{Named, schema::outbox_retries},
    orders::lines_on,
};

pub(super) struct Malformed {
    event: i64,
    stream: Uuid,
    error: String,
}

/// The events of these rows, and apart from them the rows that are none.
pub(super) async fn read(
    connection: &AsyncPgConnection,
    rows: Vec<EventRow>,
    currency: Currency,
) -> Result<(Vec<Event>, Vec<Malformed>), Unavailable> {
    let placed: Vec<OrderId> = rows.iter().filter_map(EventRow::placed).collect();
    // They never change: these are those of when it was placed.
    let mut lines = lines_on(connection, currency, &placed).await.map_err(Unavailable::new)?;
    let (mut events, mut malformed) = (Vec::new(), Vec::new());
    for row in rows {
        let (event, stream) = (row.id, row.stream);
        let lines = row.placed().and_then(|order| lines.remove(&order)).unwrap_or_else(|| Ok(Vec::new()));
        match row.into_event(currency, lines) {
            Ok(event) => events.push(event),
            Err(error) => {
                tracing::error!(event, %error, "an event is malformed");
                malformed.push(Malformed { event, stream, error: error.to_string() });
            }
        }
    }
    Ok((events, malformed))
}

pub(super) async fn dead_letter(
    connection: &mut AsyncPgConnection,
    subscriber: &str,
    malformed: &[Malformed],
) -> Result<(), Unavailable> {
    if malformed.is_empty() {
        return Ok(());
    }
    let letters = malformed.iter().map(|malformed| {
        (
            outbox_retries::subscriber.eq(subscriber),
            outbox_retries::event_id.eq(malformed.event),
            outbox_retries::stream_id.eq(malformed.stream),
            outbox_retries::next_at.eq(now),
            outbox_retries::is_dead.eq(true),
            outbox_retries::last_error.eq(&malformed.error),
        )
    });
    diesel::insert_into(outbox_retries::table)
        .values(letters.collect::<Vec<_>>())
        .on_conflict((outbox_retries::subscriber, outbox_retries::event_id))
        .do_update()
        .set((
            outbox_retries::is_dead.eq(true),
            outbox_retries::taken_until.eq(None::<comanda_domain::Timestamp>),
            outbox_retries::attempts.eq(outbox_retries::attempts + 1),
            outbox_retries::last_error.eq(excluded(outbox_retries::last_error)),
        ))
        .execute(connection)
        .changes("outbox.put_aside")
        .await
        .map(|_| ())
        .map_err(Unavailable::new)
}
