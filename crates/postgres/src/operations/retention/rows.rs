use comanda_domain::{
    Perishable, Timestamp,
    ports::{Deleted, Unavailable},
};
use diesel::{
    sql_query,
    sql_types::{BigInt, Timestamptz},
};
use diesel_async::RunQueryDsl;

use crate::database::{Database, Named};

/// The names and the texts of the statements. Each reads an index from its beginning, and leaves rows that somebody
/// uses for the next time. What depends on a row goes with it.
const fn statements(what: Perishable) -> &'static [(&'static str, &'static str)] {
    match what {
        Perishable::IdempotencyKeys => &[(
            "idempotency_key.delete_old",
            "DELETE FROM idempotency_keys WHERE (caller_id, key) IN (\
               SELECT caller_id, key FROM idempotency_keys WHERE recorded_at < $1 \
               ORDER BY recorded_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        )],
        Perishable::Sessions => &[
            (
                "session.delete_closed",
                "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE closed_at < $1 \
                 ORDER BY closed_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
            ),
            (
                "session.delete_expired",
                "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < $1 \
                 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
            ),
        ],
        Perishable::RefreshTokens => &[(
            "session.delete_spent_tokens",
            "DELETE FROM refresh_tokens WHERE hash IN (\
               SELECT hash FROM refresh_tokens WHERE used_at < $1 AND NOT is_kept \
               ORDER BY used_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        )],
        Perishable::MailTokens => &[(
            "mail.delete_tokens",
            "DELETE FROM mail_tokens WHERE hash IN (\
               SELECT hash FROM mail_tokens WHERE expires_at < $1 AND NOT unlock_due \
               ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        )],
        Perishable::Mails => &[(
            "mail.delete",
            "DELETE FROM mails WHERE id IN (\
               SELECT id FROM mails WHERE created_at < $1 AND (counted_at IS NULL OR counted_at < $1) \
               ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        )],
        Perishable::GatewayEvents => &[(
            "gateway_event.delete_handled",
            "DELETE FROM gateway_events WHERE id IN (\
               SELECT id FROM gateway_events WHERE handled_at < $1 AND malformed IS NULL \
               ORDER BY handled_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        )],
        Perishable::Subscribers => &[(
            // What it could not be given stays, with the events: an admin may look at it, and it may come back.
            "outbox.forget_subscriber",
            "DELETE FROM outbox_subscribers WHERE name IN (\
               SELECT name FROM outbox_subscribers WHERE seen_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        )],
        // They have a condition of their own.
        Perishable::Events => &[],
    }
}

pub(super) async fn delete(
    database: &Database,
    what: Perishable,
    before: Timestamp,
    limit: u32,
) -> Result<Deleted, Unavailable> {
    let mut deleted = Deleted::default();
    for (name, statement) in statements(what) {
        let mut connection = database.connection().await?;
        let rows = sql_query(*statement)
            .bind::<Timestamptz, _>(before)
            .bind::<BigInt, _>(i64::from(limit))
            .execute(&mut *connection)
            .changes(name)
            .await
            .map_err(Unavailable::new)?;
        deleted.rows += rows as u64;
        deleted.more |= rows == limit as usize;
    }
    Ok(deleted)
}
