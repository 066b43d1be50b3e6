use comanda_domain::{Actor, ports::Unavailable};

use super::Sessions;

impl Sessions {
    /// Ends all of the caller's sessions but the one that asks for it. Must be driven to its end.
    pub async fn end_others(&self, actor: Actor) -> Result<(), Unavailable> {
        let ended = self.sessions.close_others(actor.account_id, actor.session_id, self.clock.now()).await?;
        self.closed_sessions.announce(&ended).await;
        self.record_end(actor.account_id, &ended, "ended_by_owner");
        Ok(())
    }
}
