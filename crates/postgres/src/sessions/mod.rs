//! Sessions and their refresh tokens.

mod close;
mod close_all_but;
mod closed_since;
mod open;
mod rotate;

use async_trait::async_trait;
use comanda_domain::{
    Account, AccountId, NewSession, SessionId, Timestamp,
    ports::{RotateError, Rotation, Sessions, Unavailable},
};

use crate::Database;

/// Sessions in the tables `sessions` and `refresh_tokens`.
pub struct PostgresSessions {
    database: Database,
}

impl PostgresSessions {
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl Sessions for PostgresSessions {
    async fn open(&self, session: NewSession) -> Result<(), Unavailable> {
        open::open(&self.database, session).await
    }

    async fn rotate(&self, rotation: Rotation) -> Result<(SessionId, Account), RotateError> {
        rotate::rotate(&self.database, rotation).await
    }

    async fn close(&self, id: SessionId, at: Timestamp) -> Result<(), Unavailable> {
        close::close(&self.database, id, at).await
    }

    async fn close_all_but(
        &self,
        account_id: AccountId,
        kept: Option<SessionId>,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, Unavailable> {
        close_all_but::close_all_but(&self.database, account_id, kept, at).await
    }

    async fn closed_since(&self, since: Timestamp) -> Result<Vec<SessionId>, Unavailable> {
        closed_since::closed_since(&self.database, since).await
    }
}
