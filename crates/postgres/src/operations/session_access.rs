use comanda_domain::ports::Unavailable;
use diesel::{QueryableByName, sql_query, sql_types::Text};
use diesel_async::RunQueryDsl;

use crate::Database;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    gap: String,
}

/// Why `check_invariants` would miss transactions that sessions of other database roles left open, as a sentence.
/// `None` if the server's own role may see what every session does.
pub async fn gap_in_sight_of_sessions(database: &Database) -> Result<Option<String>, Unavailable> {
    let sql = "SELECT format('the role %s sees its own sessions only: it lacks pg_read_all_stats', \
                             quote_ident(current_user)) AS gap \
               WHERE NOT pg_has_role('pg_read_all_stats', 'USAGE')";
    let mut connection = database.connection().await?;
    let rows: Vec<Row> = sql_query(sql).load(&mut *connection).await.map_err(Unavailable::new)?;
    Ok(rows.into_iter().next().map(|row| row.gap))
}
