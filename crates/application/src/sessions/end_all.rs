use comanda_domain::{AccountId, Administrator, Reason, ports::CloseSessionsError};

use super::Sessions;

impl Sessions {
    /// Ends all sessions of an account, whose owner can sign in again. Must be driven to its end.
    pub async fn end_all(&self, by: Administrator, of: AccountId, reason: Reason) -> Result<(), CloseSessionsError> {
        let ended = self.sessions.close_all(of, Some(by), reason, self.clock.now()).await?;
        self.closed_sessions.announce(&ended).await;
        self.record_end(of, &ended, "ended_by_admin");
        Ok(())
    }
}
