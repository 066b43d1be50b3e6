use comanda_domain::ports::Unavailable;
use diesel::{QueryableByName, sql_query, sql_types::Text};
use diesel_async::RunQueryDsl;

use crate::Database;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    gap: String,
}

/// Why the database does not store, or does not search, texts of all scripts, as a sentence. `None` if it does.
pub async fn gap_in_texts(database: &Database) -> Result<Option<String>, Unavailable> {
    // Where characters are those of `C`, trigrams, by which names are searched, hold ASCII letters only.
    let sql = "SELECT format('its encoding is %s and its LC_CTYPE is %s: UTF8 and C.UTF-8 are needed, for instance', \
                             pg_encoding_to_char(encoding), datctype) AS gap \
               FROM pg_database \
               WHERE datname = current_database() \
                 AND (pg_encoding_to_char(encoding) <> 'UTF8' OR datctype IN ('C', 'POSIX'))";
    let mut connection = database.connection().await?;
    let rows: Vec<Row> = sql_query(sql).load(&mut *connection).await.map_err(Unavailable::new)?;
    Ok(rows.into_iter().next().map(|row| row.gap))
}
