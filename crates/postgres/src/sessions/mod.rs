//! Sessions and their refresh tokens.

mod close;
mod close_all_but;
mod closed_after;
mod closed_since;
mod closings;
mod open;
mod rotate;
mod session_of;

use async_trait::async_trait;
use comanda_domain::{
    NewSession, RefreshTokenHash, SessionId, Timestamp,
    ports::{ClosingPosition, Closings, OpenSessionError, RotateError, Rotated, Rotation, Sessions, Unavailable},
};

pub(crate) use self::close_all_but::write_close_all_but;
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
    async fn open(&self, session: NewSession) -> Result<(), OpenSessionError> {
        open::open(&self.database, session).await
    }

    async fn session_of(&self, token: RefreshTokenHash) -> Result<Option<SessionId>, Unavailable> {
        session_of::session_of(&self.database, token).await
    }

    async fn rotate(&self, rotation: Rotation) -> Result<Rotated, RotateError> {
        rotate::rotate(&self.database, rotation).await
    }

    async fn close(&self, id: SessionId, at: Timestamp) -> Result<(), Unavailable> {
        close::close(&self.database, id, at).await
    }

    async fn closed_since(&self, since: Timestamp) -> Result<Closings, Unavailable> {
        closed_since::closed_since(&self.database, since).await
    }

    async fn closed_after(&self, position: ClosingPosition) -> Result<Closings, Unavailable> {
        closed_after::closed_after(&self.database, position).await
    }
}
