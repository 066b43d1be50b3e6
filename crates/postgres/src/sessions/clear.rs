use comanda_domain::ports::{Clearance, Unavailable};
use diesel::{
    sql_query,
    sql_types::{BigInt, Timestamptz},
};
use diesel_async::RunQueryDsl;

use crate::database::{Database, Named};

/// Sessions take their refresh tokens with them. Rows that somebody uses are left for the next time.
const STATEMENTS: [(&str, &str); 3] = [
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
    (
        "session.delete_spent_tokens",
        "DELETE FROM refresh_tokens WHERE hash IN (SELECT hash FROM refresh_tokens WHERE used_at < $1 AND NOT is_kept \
         ORDER BY used_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    ),
];

pub(super) async fn clear(database: &Database, clearance: Clearance) -> Result<bool, Unavailable> {
    let befores = [clearance.ended_before, clearance.ended_before, clearance.spent_before];
    let mut there_is_more = false;
    for ((name, statement), before) in STATEMENTS.into_iter().zip(befores) {
        let mut connection = database.connection().await?;
        let deleted = sql_query(statement)
            .bind::<Timestamptz, _>(before)
            .bind::<BigInt, _>(i64::from(clearance.limit))
            .execute(&mut *connection)
            .changes(name)
            .await
            .map_err(Unavailable::new)?;
        there_is_more |= deleted == clearance.limit as usize;
    }
    Ok(there_is_more)
}
