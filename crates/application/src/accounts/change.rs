use comanda_domain::{
    Account, AccountChange, AccountId, Administrator,
    ports::{ChangeAccountError, ChangedAccount},
};

use super::Accounts;

impl Accounts {
    /// Gives an account another role, disables it, or enables it again. Its sessions end: what they prove is no longer
    /// true. Must be driven to its end, so that every server hears of it at once.
    pub async fn change(
        &self,
        by: Administrator,
        id: AccountId,
        change: AccountChange,
    ) -> Result<Account, ChangeAccountError> {
        let changed = self.changes.change(id, change, by.account_id(), self.clock.now()).await?;
        let ChangedAccount { account, ended } = changed;
        self.closed_sessions.announce(&ended).await;
        Ok(account)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{
        Role, SessionId,
        ports::{MockAccountChanges, MockClosedSessions},
    };

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn every_session_of_the_account_ends() {
        let change = AccountChange { role: Some(Role::Staff), disabled: None };
        let ended = SessionId::new(sample::menu_item().id.as_uuid());
        let mut stored = MockAccountChanges::new();
        stored
            .expect_change()
            .once()
            .withf(move |_, asked, by, _| *asked == change && *by == sample::admin().account_id())
            .returning(move |_, _, _, _| {
                let account = Account { role: Role::Staff, ..sample::customer() };
                Ok(ChangedAccount { account, ended: vec![ended] })
            });
        let mut closed = MockClosedSessions::new();
        closed.expect_announce().once().withf(move |ids| ids == [ended]).returning(|_| ());
        let accounts = Accounts { changes: Arc::new(stored), closed_sessions: Arc::new(closed), ..sample::accounts() };
        let account = accounts.change(sample::admin(), sample::customer().id, change).await.unwrap();
        assert_eq!(account.role, Role::Staff);
    }
}
