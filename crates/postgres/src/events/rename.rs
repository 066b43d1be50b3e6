//! A subscriber gets another name, and keeps what waits for it.

use comanda_domain::ports::Unavailable;
use diesel::{
    dsl::exists,
    prelude::*,
    select, sql_query,
    sql_types::{BigInt, Text},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use super::lease::{Leases, try_lock, unlock};
use crate::database::{
    Database, Failure, Named, NamedRows, follow_history,
    schema::{outbox_retries, outbox_subscribers},
};

/// How many retries one transaction moves. After a long outage there are too many for a single one.
const PART: i64 = 1_000;

/// How many transactions one call makes.
const PARTS: u32 = 10;

/// Returns `false` as long as nobody is to deliver under the new name: while another server delivers under the former
/// one, which is the only one that there is, and while the retries are being moved.
pub(super) async fn rename(database: &Database, leases: &Leases, from: &str, to: &str) -> Result<bool, Unavailable> {
    let both = format!("{from} and {to}");
    let mut connection = database.connection().await?;
    if !is_there(&mut connection, from).await.map_err(Unavailable::new)? {
        drop(leases.take_held(&both));
        return Ok(true);
    }
    let has_begun = is_there(&mut connection, to).await.map_err(Unavailable::new)?;
    drop(connection);
    // Whoever stops halfway closes the connection, and with it the locks and the transaction are gone.
    if let Some(mut lease) = leases.take_held(to) {
        let is_free = try_lock(&mut lease, from).await.map_err(Unavailable::new)?;
        let mut is_done = true;
        if is_free {
            is_done = take_over(&mut lease, from, to).await?;
            unlock(&mut lease, from).await.map_err(Unavailable::new)?;
        }
        leases.put_back(to, lease);
        return Ok(is_done);
    }
    let mut lease = match leases.take_held(&both) {
        Some(lease) => lease,
        None => match leases.take_both(database, from, to).await? {
            Some(lease) => lease,
            None => return Ok(has_begun),
        },
    };
    let is_done = take_over(&mut lease, from, to).await?;
    if is_done {
        for subscriber in [to, from] {
            unlock(&mut lease, subscriber).await.map_err(Unavailable::new)?;
        }
    } else {
        leases.put_back(&both, lease);
    }
    Ok(is_done)
}

/// Under the locks of both: nobody reads on for either. Returns whether it is done.
async fn take_over(connection: &mut AsyncPgConnection, from: &str, to: &str) -> Result<bool, Unavailable> {
    for _ in 0..PARTS {
        let some = outbox_retries::table.filter(outbox_retries::subscriber.eq(from)).select(outbox_retries::event_id);
        let some: Vec<i64> = some
            .order(outbox_retries::event_id)
            .limit(PART)
            .load(connection)
            .rows("outbox.find_retries")
            .await
            .map_err(Unavailable::new)?;
        let moved = match some.last() {
            Some(last) => move_retries(connection, from, to, *last).await,
            None => return move_place(connection, from, to).await.map(|()| true),
        };
        moved?;
    }
    Ok(false)
}

async fn move_retries(connection: &mut AsyncPgConnection, from: &str, to: &str, last: i64) -> Result<(), Unavailable> {
    let moved = connection.transaction::<_, Failure<Unavailable>, _>(async |connection| {
        // Both may have an event, if both were subscribed at the same time. One that is tried again is worth more than
        // one that was given up.
        let given_up = "DELETE FROM outbox_retries own USING outbox_retries other \
                        WHERE own.subscriber = $2 AND other.subscriber = $1 AND own.event_id = other.event_id \
                        AND other.event_id <= $3 AND own.is_dead AND NOT other.is_dead";
        let twice = "DELETE FROM outbox_retries other USING outbox_retries own \
                     WHERE own.subscriber = $2 AND other.subscriber = $1 AND own.event_id = other.event_id \
                     AND other.event_id <= $3";
        for delete in [given_up, twice] {
            sql_query(delete)
                .bind::<Text, _>(from)
                .bind::<Text, _>(to)
                .bind::<BigInt, _>(last)
                .execute(connection)
                .changes("outbox.delete_retries_twice")
                .await?;
        }
        let retries = outbox_retries::subscriber.eq(from).and(outbox_retries::event_id.le(last));
        diesel::update(outbox_retries::table.filter(retries))
            .set(outbox_retries::subscriber.eq(to))
            .execute(connection)
            .changes("outbox.rename_retries")
            .await?;
        Ok(())
    });
    moved.await.map_err(|failure| failure.0)
}

/// If there are both, the new one goes on from where the one that is farther behind was: it may get an event twice, and
/// misses none.
async fn move_place(connection: &mut AsyncPgConnection, from: &str, to: &str) -> Result<(), Unavailable> {
    follow_history(connection).await.map_err(Unavailable::new)?;
    let moved = connection.transaction::<_, Failure<Unavailable>, _>(async |connection| {
        if is_there(connection, to).await? {
            sql_query(
                "UPDATE outbox_subscribers own \
                 SET history = other.history, transaction_id = other.transaction_id, event_id = other.event_id \
                 FROM outbox_subscribers other WHERE own.name = $2 AND other.name = $1 \
                 AND (other.history, other.transaction_id, other.event_id) \
                   < (own.history, own.transaction_id, own.event_id)",
            )
            .bind::<Text, _>(from)
            .bind::<Text, _>(to)
            .execute(connection)
            .changes("outbox.go_back")
            .await?;
            diesel::delete(outbox_subscribers::table.find(from)).execute(connection).changes("outbox.merge").await?;
        } else {
            diesel::update(outbox_subscribers::table.find(from))
                .set(outbox_subscribers::name.eq(to))
                .execute(connection)
                .changes("outbox.rename")
                .await?;
        }
        Ok(())
    });
    moved.await.map_err(|failure| failure.0)
}

async fn is_there(connection: &mut AsyncPgConnection, subscriber: &str) -> QueryResult<bool> {
    select(exists(outbox_subscribers::table.find(subscriber))).get_result(connection).one("outbox.is_there").await
}
