use comanda_domain::{AccountId, SessionId, Timestamp, ports::Unavailable};

use super::write_close_all_but;
use crate::database::Database;

pub(super) async fn close_others(
    database: &Database,
    account_id: AccountId,
    kept: SessionId,
    at: Timestamp,
) -> Result<Vec<SessionId>, Unavailable> {
    database
        .transaction(async move |connection| Ok(write_close_all_but(connection, account_id, Some(kept), at).await?))
        .await
}
