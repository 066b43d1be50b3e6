use chrono::TimeDelta;
use comanda_domain::{Timestamp, ports::Unavailable};
use diesel::{
    sql_query,
    sql_types::{BigInt, Timestamptz},
};
use diesel_async::RunQueryDsl;

use crate::database::{Database, Named};

/// For how long a token that is not valid any more is kept, to say why it does not count.
const TOKENS_KEPT: TimeDelta = TimeDelta::hours(24);

/// For how long a mail is kept: longer than the limits count.
const MAILS_KEPT: TimeDelta = TimeDelta::hours(25);

pub(super) async fn delete_old(database: &Database, at: Timestamp, limit: u32) -> Result<u64, Unavailable> {
    let mut connection = database.connection().await?;
    let tokens = sql_query(
        "DELETE FROM mail_tokens WHERE hash IN (\
           SELECT hash FROM mail_tokens WHERE expires_at < $1 AND NOT unlock_due \
           ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    )
    .bind::<Timestamptz, _>(at - TOKENS_KEPT)
    .bind::<BigInt, _>(i64::from(limit))
    .execute(&mut *connection)
    .changes("mail.delete_tokens")
    .await
    .map_err(Unavailable::new)?;
    let mails = sql_query(
        "DELETE FROM mails WHERE id IN (\
           SELECT id FROM mails WHERE created_at < $1 AND (counted_at IS NULL OR counted_at < $1) \
           ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    )
    .bind::<Timestamptz, _>(at - MAILS_KEPT)
    .bind::<BigInt, _>(i64::from(limit))
    .execute(&mut *connection)
    .changes("mail.delete")
    .await
    .map_err(Unavailable::new)?;
    Ok(tokens as u64 + mails as u64)
}
