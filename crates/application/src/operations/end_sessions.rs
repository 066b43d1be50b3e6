use std::sync::Arc;

use comanda_domain::{
    Email, Reason, SecurityEvent, SecurityEventKind, SecurityOutcome,
    ports::{Accounts, Clock, CloseSessionsError, ClosedBatch, SecurityLog, Sessions, Unavailable},
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

    /// Of how many accounts the sessions are closed in one transaction.
    const ACCOUNTS: u32 = 100;

    /// How many sessions [`Self::end_all`] would end.
    pub async fn count_all(&self) -> Result<u64, Unavailable> {
        self.sessions.count_open().await
    }

    /// Ends all sessions of all accounts, a hundred accounts at a time. Stops at the first failure: what was ended
    /// until then stays so, and is counted.
    pub async fn end_all(&self, reason: &Reason) -> EndedAll {
        let mut ended = EndedAll::default();
        let mut after = None;
        loop {
            match self.sessions.close_next(after, Self::ACCOUNTS, reason.clone(), self.clock.now()).await {
                Ok(ClosedBatch { last: None, .. }) => return ended,
                Ok(ClosedBatch { sessions, last }) => {
                    for (account, session) in &sessions {
                        let event = SecurityEvent::new(SecurityEventKind::SignOut, SecurityOutcome::Success);
                        let event = event.of_account(*account).in_session(*session).because("ended_by_operator");
                        self.security.record(event);
                    }
                    ended.sessions += sessions.len();
                    after = last;
                }
                Err(failure) => return EndedAll { failure: Some(failure), ..ended },
            }
        }
    }
}

/// What came of ending all sessions.
#[derive(Debug, Default)]
pub struct EndedAll {
    /// How many were ended.
    pub sessions: usize,
    /// Why it stopped before the last.
    pub failure: Option<Unavailable>,
}

#[cfg(test)]
mod tests {
    use comanda_domain::{
        AccountId, SessionId,
        ports::{MockAccounts, MockSessions},
    };
    use uuid::Uuid;

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

    #[tokio::test]
    async fn what_was_ended_before_a_failure_is_counted() {
        let mut sessions = MockSessions::new();
        let account = sample::customer().id;
        sessions.expect_close_next().times(3).returning(move |after, _, _, _| match after {
            None => Ok(ClosedBatch { sessions: vec![], last: Some(AccountId::new(Uuid::from_u128(1))) }),
            Some(last) if last != account => {
                let session = SessionId::new(Uuid::from_u128(7));
                Ok(ClosedBatch { sessions: vec![(account, session)], last: Some(account) })
            }
            Some(_) => Err(Unavailable::new("gone")),
        });
        let end = EndSessions {
            accounts: Arc::new(MockAccounts::new()),
            sessions: Arc::new(sessions),
            security: sample::security(),
            clock: sample::clock(),
        };
        let ended = end.end_all(&Reason::new("keys leaked").unwrap()).await;
        assert!(ended.sessions == 1 && ended.failure.is_some(), "{ended:?}");
    }
}
