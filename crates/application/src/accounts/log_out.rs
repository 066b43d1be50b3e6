use std::sync::Arc;

use comanda_domain::{
    account::Actor,
    ports::{Clock, ClosedSessions, Sessions, Unavailable},
};

/// Ends the session somebody is signed in by: its tokens stop working at once.
pub struct LogOut {
    sessions: Arc<dyn Sessions>,
    closed: Arc<dyn ClosedSessions>,
    clock: Arc<dyn Clock>,
}

impl LogOut {
    pub fn new(sessions: Arc<dyn Sessions>, closed: Arc<dyn ClosedSessions>, clock: Arc<dyn Clock>) -> Self {
        Self { sessions, closed, clock }
    }

    pub async fn execute(&self, actor: Actor) -> Result<(), Unavailable> {
        self.sessions.close(actor.session_id, self.clock.now()).await?;
        self.closed.announce(&[actor.session_id]).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::{
        account::Role,
        ports::{MockClosedSessions, MockSessions},
    };

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn the_session_is_closed_and_every_server_told() {
        let actor = sample::actor(Role::Customer);
        let mut sessions = MockSessions::new();
        sessions.expect_close().once().withf(move |id, _| *id == actor.session_id).returning(|_, _| Ok(()));
        let mut closed = MockClosedSessions::new();
        closed.expect_announce().once().withf(move |ids| ids == [actor.session_id]).returning(|_| ());
        LogOut::new(Arc::new(sessions), Arc::new(closed), sample::clock()).execute(actor).await.unwrap();
    }
}
