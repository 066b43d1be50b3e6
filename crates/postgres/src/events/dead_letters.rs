use comanda_domain::{
    Page, PageLimit,
    ports::{DeadLetter, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::database::{
    Database, NamedRows, StoredTime,
    schema::{outbox_events, outbox_retries},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox_retries, check_for_backend(diesel::pg::Pg))]
struct LetterRow {
    id: i64,
    subscriber: String,
    event_id: i64,
    stream_id: Uuid,
    attempts: i32,
    last_error: String,
}

pub(super) async fn dead_letters(
    database: &Database,
    after: Option<i64>,
    limit: PageLimit,
) -> Result<Page<DeadLetter, i64>, Unavailable> {
    let mut connection = database.list_connection().await?;
    let rows: Vec<(LetterRow, String, StoredTime)> = outbox_retries::table
        .inner_join(outbox_events::table)
        .filter(outbox_retries::is_dead.and(outbox_retries::id.gt(after.unwrap_or_default())))
        .order(outbox_retries::id)
        .limit(i64::from(limit.get()) + 1)
        .select((LetterRow::as_select(), outbox_events::kind, outbox_events::occurred_at))
        .load(&mut *connection)
        .rows("outbox.dead_letters")
        .await
        .map_err(Unavailable::new)?;
    let letters = rows.into_iter().map(|(row, kind, occurred_at)| DeadLetter {
        id: row.id,
        subscriber: row.subscriber,
        event: row.event_id,
        kind,
        stream: row.stream_id,
        occurred_at: occurred_at.get(),
        attempts: u32::try_from(row.attempts).unwrap_or_default(),
        error: row.last_error,
    });
    Ok(Page::from_one_more(letters.collect(), limit, |letter| letter.id))
}
