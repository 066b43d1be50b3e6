use comanda_domain::{Account, AccountChange, AccountId, Administrator, ports::ChangeAccountError};

use super::Accounts;

impl Accounts {
    /// Gives an account another role, disables it, or enables it again. Its sessions end: what they prove is no longer
    /// true.
    pub async fn change(
        &self,
        by: Administrator,
        id: AccountId,
        change: AccountChange,
    ) -> Result<Account, ChangeAccountError> {
        let now = self.clock.now();
        let account = self.changes.change(id, change, by.account_id(), now).await?;
        if change != AccountChange::default() {
            let ended = self.sessions.close_all_but(id, None, now).await?;
            self.closed_sessions.announce(&ended).await;
        }
        Ok(account)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{
        Role, SessionId,
        ports::{MockAccountChanges, MockClosedSessions, MockSessions},
    };

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn every_session_of_the_account_ends() {
        let change = AccountChange { role: Some(Role::Staff), disabled: None };
        let mut stored = MockAccountChanges::new();
        stored
            .expect_change()
            .once()
            .withf(move |_, asked, by, _| *asked == change && *by == sample::admin().account_id())
            .returning(|_, _, _, _| Ok(Account { role: Role::Staff, ..sample::customer() }));
        let ended = SessionId::new(sample::menu_item().id.as_uuid());
        let mut sessions = MockSessions::new();
        sessions
            .expect_close_all_but()
            .once()
            .withf(|_, kept, _| kept.is_none())
            .returning(move |_, _, _| Ok(vec![ended]));
        let mut closed = MockClosedSessions::new();
        closed.expect_announce().once().withf(move |ids| ids == [ended]).returning(|_| ());
        let accounts = Accounts {
            changes: Arc::new(stored),
            sessions: Arc::new(sessions),
            closed_sessions: Arc::new(closed),
            ..sample::accounts()
        };
        let account = accounts.change(sample::admin(), sample::customer().id, change).await.unwrap();
        assert_eq!(account.role, Role::Staff);
    }
}
