//! Sessions and their refresh tokens.

mod close;
mod close_all;
mod close_all_but;
mod close_next;
mod close_others;
mod closed_after;
mod closed_since;
mod closings;
mod list;
mod open;
mod renew;
mod rotate;
mod session_of;

use async_trait::async_trait;
use comanda_domain::{
    AccountId, Administrator, NewSession, Page, Reason, RefreshTokenHash, Session, SessionId, Timestamp,
    ports::{
        CloseSessionsError, ClosedBatch, ClosingPosition, Closings, OpenSessionError, Renewed, RotateError, Rotated,
        Rotation, Sessions, SessionsQuery, Unavailable,
    },
};

pub(crate) use self::close_all_but::write_close_all_but;
use self::closed_after::ClosingsReader;
use crate::Database;

/// Sessions in the tables `sessions` and `refresh_tokens`.
pub struct PostgresSessions {
    database: Database,
    closings: ClosingsReader,
}

impl PostgresSessions {
    pub fn new(database: Database) -> Self {
        Self { database, closings: ClosingsReader::default() }
    }
}

#[async_trait]
impl Sessions for PostgresSessions {
    async fn open(&self, session: NewSession, at_most: u32) -> Result<Vec<SessionId>, OpenSessionError> {
        open::open(&self.database, session, at_most).await
    }

    async fn renew(&self, id: SessionId, at: Timestamp, idle_at: Timestamp) -> Result<Option<Renewed>, Unavailable> {
        renew::renew(&self.database, id, at, idle_at).await
    }

    async fn session_of(&self, token: RefreshTokenHash) -> Result<Option<SessionId>, Unavailable> {
        session_of::session_of(&self.database, token).await
    }

    async fn rotate(&self, rotation: Rotation) -> Result<Rotated, RotateError> {
        rotate::rotate(&self.database, rotation).await
    }

    async fn close(&self, account_id: AccountId, id: SessionId, at: Timestamp) -> Result<bool, Unavailable> {
        close::close(&self.database, account_id, id, at).await
    }

    async fn close_others(
        &self,
        account_id: AccountId,
        kept: SessionId,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, Unavailable> {
        close_others::close_others(&self.database, account_id, kept, at).await
    }

    async fn close_all(
        &self,
        account_id: AccountId,
        by: Option<Administrator>,
        reason: Reason,
        at: Timestamp,
    ) -> Result<Vec<SessionId>, CloseSessionsError> {
        close_all::close_all(&self.database, account_id, by, reason, at).await
    }

    async fn count_open(&self) -> Result<u64, Unavailable> {
        close_next::count_open(&self.database).await
    }

    async fn close_next(
        &self,
        after: Option<AccountId>,
        at_most: u32,
        reason: Reason,
        at: Timestamp,
    ) -> Result<ClosedBatch, Unavailable> {
        close_next::close_next(&self.database, after, at_most, reason, at).await
    }

    async fn list(&self, query: SessionsQuery) -> Result<Page<Session, SessionId>, Unavailable> {
        list::list(&self.database, query).await
    }

    async fn closed_since(&self, since: Timestamp) -> Result<Closings, Unavailable> {
        closed_since::closed_since(&self.database, &self.closings, since).await
    }

    async fn closed_after(&self, position: ClosingPosition) -> Result<Closings, Unavailable> {
        self.closings.closed_after(&self.database, position).await
    }
}
