use comanda_domain::{Actor, ports::Unavailable};

use super::Sessions;

impl Sessions {
    /// Ends the session of the caller: its tokens stop working at once, on every server.
    pub async fn sign_out(&self, actor: Actor) -> Result<(), Unavailable> {
        self.sessions.close(actor.account_id, actor.session_id, self.clock.now()).await?;
        self.closed_sessions.announce(&[actor.session_id]).await;
        self.record_end(actor.account_id, &[actor.session_id], "signed_out");
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
    async fn the_session_is_closed_and_announced_to_every_server() {
        let actor = sample::actor(Role::Customer);
        let mut stored = MockSessions::new();
        stored.expect_close().once().withf(move |_, id, _| *id == actor.session_id).returning(|_, _, _| Ok(true));
        let mut closed = MockClosedSessions::new();
        closed.expect_announce().once().withf(move |ids| ids == [actor.session_id]).returning(|_| ());
        let sessions = Sessions { sessions: Arc::new(stored), closed_sessions: Arc::new(closed), ..sample::sessions() };
        sessions.sign_out(actor).await.unwrap();
    }
}
