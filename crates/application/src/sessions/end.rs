use comanda_domain::{Actor, SessionId, ports::Unavailable};
use thiserror::Error;

use super::Sessions;

/// Why a session was not ended.
#[derive(Debug, Error)]
pub enum EndSessionError {
    /// The caller has no such session, or it has ended already.
    #[error("no such session")]
    NotFound,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Sessions {
    /// Ends one of the caller's sessions. Must be driven to its end, so that every server hears of it at once.
    pub async fn end(&self, actor: Actor, id: SessionId) -> Result<(), EndSessionError> {
        if !self.sessions.close(actor.account_id, id, self.clock.now()).await? {
            return Err(EndSessionError::NotFound);
        }
        self.closed_sessions.announce(&[id]).await;
        self.record_end(actor.account_id, &[id], "ended_by_owner");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{
        Role,
        ports::{MockClosedSessions, MockSessions},
    };

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn only_an_open_session_of_the_caller_ends_and_is_announced() {
        for open in [true, false] {
            let actor = sample::actor(Role::Customer);
            let id = SessionId::new(sample::menu_item().id.as_uuid());
            let mut stored = MockSessions::new();
            stored
                .expect_close()
                .once()
                .withf(move |account, closing, _| (*account, *closing) == (actor.account_id, id))
                .returning(move |_, _, _| Ok(open));
            let mut closed = MockClosedSessions::new();
            closed.expect_announce().times(usize::from(open)).withf(move |ids| ids == [id]).returning(|_| ());
            let sessions =
                Sessions { sessions: Arc::new(stored), closed_sessions: Arc::new(closed), ..sample::sessions() };
            assert_eq!(sessions.end(actor, id).await.is_ok(), open);
        }
    }
}
