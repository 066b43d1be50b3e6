use comanda_domain::ports::{OutboxPosition, Unavailable, Undelivered};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use super::lease::Leases;
use crate::database::{
    Failure, Named,
    schema::{outbox_retries, outbox_subscribers},
};

pub(super) async fn advance(
    leases: &Leases,
    subscriber: &str,
    position: OutboxPosition,
    undelivered: &[Undelivered],
) -> Result<(), Unavailable> {
    // On the connection that the batch was read on, which holds the lease: another one may lead to a database that has
    // lost these events.
    let Some(mut lease) = leases.take_held(subscriber) else {
        return Err(Unavailable::new("another server delivers to this subscriber by now"));
    };
    lease
        .transaction::<_, Failure<Unavailable>, _>(async |connection| {
            put_off(connection, subscriber, undelivered).await?;
            diesel::update(outbox_subscribers::table.find(subscriber))
                .set((
                    outbox_subscribers::transaction_id.eq(position.transaction),
                    outbox_subscribers::event_id.eq(position.event),
                ))
                .execute(connection)
                .changes("outbox.advance")
                .await?;
            Ok(())
        })
        .await
        .map_err(|failure| failure.0)?;
    leases.put_back(subscriber, lease);
    Ok(())
}

/// Records events for a later attempt.
async fn put_off(connection: &mut AsyncPgConnection, subscriber: &str, undelivered: &[Undelivered]) -> QueryResult<()> {
    if undelivered.is_empty() {
        return Ok(());
    }
    let retries = undelivered.iter().map(|event| {
        (
            outbox_retries::subscriber.eq(subscriber),
            outbox_retries::event_id.eq(event.event),
            outbox_retries::stream_id.eq(event.stream),
            outbox_retries::attempts.eq(i32::try_from(event.attempts).unwrap_or(i32::MAX)),
            outbox_retries::next_at.eq(event.next_at),
            outbox_retries::last_error.eq(&event.error),
        )
    });
    diesel::insert_into(outbox_retries::table)
        .values(retries.collect::<Vec<_>>())
        .on_conflict_do_nothing()
        .execute(connection)
        .changes("outbox.put_off")
        .await
        .map(|_| ())
}
