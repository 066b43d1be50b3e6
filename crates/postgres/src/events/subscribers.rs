//! What waits for each subscriber, for an operator.

use std::time::Duration;

use comanda_domain::ports::Unavailable;
use diesel::{OptionalExtension, QueryableByName, sql_query, sql_types::Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{
    place::place,
    state::state,
    unserved::{Counts, Name, counts, is_held},
};
use crate::database::{Database, Named, NamedRows, Place};

/// What waits for a subscriber.
#[derive(Clone, Debug)]
pub struct SubscriberBacklog {
    pub name: String,
    /// Whether a server delivers to it now.
    pub is_served: bool,
    /// How many events wait; of more than ten thousand, about that many.
    pub waiting: u64,
    /// The age of the oldest of them.
    pub lag: Duration,
    /// The number of dead letters; of more than ten thousand, ten thousand.
    pub dead: u64,
    /// Why the delivery that is tried again next failed, if any did.
    pub last_error: Option<String>,
}

#[derive(QueryableByName)]
struct LastError {
    #[diesel(sql_type = Text)]
    last_error: String,
}

/// The names of all subscribers that have begun.
pub async fn names_of_subscribers(database: &Database) -> Result<Vec<String>, Unavailable> {
    let mut connection = database.connection().await?;
    let names: Vec<Name> = sql_query("SELECT name FROM outbox_subscribers ORDER BY name")
        .load(&mut *connection)
        .rows("outbox.names")
        .await
        .map_err(Unavailable::new)?;
    Ok(names.into_iter().map(|Name { name }| name).collect())
}

/// All subscribers, by name.
pub async fn subscribers(database: &Database) -> Result<Vec<SubscriberBacklog>, Unavailable> {
    let mut connection = database.connection().await?;
    let names: Vec<Name> = sql_query("SELECT name FROM outbox_subscribers ORDER BY name")
        .load(&mut *connection)
        .rows("outbox.subscribers")
        .await
        .map_err(Unavailable::new)?;
    let mut found = Vec::new();
    for Name { name } in names {
        let Some(place) = place(&mut connection, &name).await?.map(Place::by_id_if_ahead) else { continue };
        let Counts { waiting, dead } = counts(&mut connection, &name, place).await?;
        let [waiting, dead] = [waiting, dead].map(|count| u64::try_from(count).unwrap_or_default());
        let is_served = is_held(&mut connection, &name).await.map_err(Unavailable::new)?;
        let last_error = last_error(&mut connection, &name).await?;
        found.push(SubscriberBacklog { name, is_served, waiting, lag: Duration::ZERO, dead, last_error });
    }
    drop(connection);
    for subscriber in &mut found {
        subscriber.lag = state(database, &subscriber.name).await?.lag;
    }
    Ok(found)
}

async fn last_error(connection: &mut AsyncPgConnection, subscriber: &str) -> Result<Option<String>, Unavailable> {
    let row: Option<LastError> = sql_query(
        "SELECT last_error FROM outbox_retries WHERE subscriber = $1 AND NOT is_dead AND attempts > 0 \
         ORDER BY next_at LIMIT 1",
    )
    .bind::<Text, _>(subscriber)
    .get_result(connection)
    .one("outbox.last_error")
    .await
    .optional()
    .map_err(Unavailable::new)?;
    Ok(row.map(|row| row.last_error))
}
