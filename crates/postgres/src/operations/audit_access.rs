use comanda_domain::ports::Unavailable;
use diesel::{QueryableByName, sql_query, sql_types::Text};
use diesel_async::RunQueryDsl;

use crate::Database;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    way: String,
}

/// Each way in which the server's own database role could change or remove the audit log, as a sentence such as "the
/// role comanda owns the table `audit_log`". Empty if the role may read the log and add to it, and no more.
pub async fn ways_to_change_the_audit_log(database: &Database) -> Result<Vec<String>, Unavailable> {
    let mut connection = database.connection().await?;
    let rows: Vec<Row> =
        sql_query(include_str!("audit_access.sql")).load(&mut *connection).await.map_err(Unavailable::new)?;
    Ok(rows.into_iter().map(|row| row.way).collect())
}
