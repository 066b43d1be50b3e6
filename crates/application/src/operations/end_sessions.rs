use std::sync::Arc;

use comanda_domain::{
    Email, Reason, SecurityEvent, SecurityEventKind, SecurityOutcome,
    ports::{Accounts, Clock, CloseSessionsError, SecurityLog, Sessions},
};

/// Ends the sessions of an account for whoever holds the keys to the deployment, on the command line. Running servers
/// find the sessions that this ends in the table of sessions.
pub struct EndSessions {
    pub accounts: Arc<dyn Accounts>,
    pub sessions: Arc<dyn Sessions>,
    pub security: Arc<dyn SecurityLog>,
    pub clock: Arc<dyn Clock>,
}

impl EndSessions {
    /// Ends all sessions of the account with this address, whose owner can sign in again. Returns how many there were.
    pub async fn end(&self, email: &Email, reason: Reason) -> Result<usize, CloseSessionsError> {
        let found = self.accounts.credentials(email).await?.ok_or(CloseSessionsError::NotFound)?;
        let account = found.account.id;
        let ended = self.sessions.close_all(account, None, reason, self.clock.now()).await?;
        for session in &ended {
            let event = SecurityEvent::new(SecurityEventKind::SignOut, SecurityOutcome::Success);
            self.security.record(event.of_account(account).in_session(*session).because("ended_by_operator"));
        }
        Ok(ended.len())
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::{MockAccounts, MockSessions};

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn an_address_without_an_account_has_no_sessions_to_end() {
        let mut accounts = MockAccounts::new();
        accounts.expect_credentials().returning(|_| Ok(None));
        let mut sessions = MockSessions::new();
        sessions.expect_close_all().never();
        let end = EndSessions {
            accounts: Arc::new(accounts),
            sessions: Arc::new(sessions),
            security: sample::security(),
            clock: sample::clock(),
        };
        let ended = end.end(&sample::email(), Reason::new("lost their phone").unwrap()).await;
        assert!(matches!(ended, Err(CloseSessionsError::NotFound)));
    }
}
