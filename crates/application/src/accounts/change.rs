use comanda_domain::{
    Account, AccountChange, AccountId, Administrator, SecurityEvent, SecurityEventKind, SecurityOutcome,
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
        let changed = self.changes.change(id, change, by.account_id(), self.clock.now()).await;
        self.record_change(by, id, change, &changed);
        let ChangedAccount { account, ended } = changed?;
        self.closed_sessions.announce(&ended).await;
        Ok(account)
    }

    /// One event for each thing that was asked for.
    fn record_change(
        &self,
        by: Administrator,
        id: AccountId,
        change: AccountChange,
        changed: &Result<ChangedAccount, ChangeAccountError>,
    ) {
        let (outcome, reason) = match changed {
            Ok(_) => (SecurityOutcome::Success, None),
            Err(ChangeAccountError::NotFound) => (SecurityOutcome::Refused, Some("no_such_account")),
            Err(ChangeAccountError::NotAdmin) => (SecurityOutcome::Refused, Some("not_an_admin")),
            Err(ChangeAccountError::LastAdmin(_)) => (SecurityOutcome::Refused, Some("last_admin")),
            Err(ChangeAccountError::Unavailable(_)) => (SecurityOutcome::Failed, Some("unavailable")),
        };
        let role = change.role.map(|role| (SecurityEventKind::RoleChange, Some(role.as_str())));
        let disabled = change.disabled.map(|disabled| match disabled {
            true => (SecurityEventKind::AccountDisabling, None),
            false => (SecurityEventKind::AccountEnabling, None),
        });
        for (kind, detail) in role.into_iter().chain(disabled) {
            let event = SecurityEvent::new(kind, outcome).of_account(id).done_by(by.account_id());
            self.security.record(SecurityEvent { reason: reason.or(detail), ..event });
        }
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
