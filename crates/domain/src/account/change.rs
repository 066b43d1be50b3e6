use thiserror::Error;

use crate::{Account, AccountId, AuditAction, AuditRecord, Reason, Role, Timestamp};

/// A change of an account by an admin. A field that is `None` stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountChange {
    /// The new role.
    pub role: Option<Role>,
    /// `true` disables the account, `false` enables it again.
    pub disabled: Option<bool>,
}

/// The change would leave nobody who manages accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the last enabled admin can be neither demoted nor disabled")]
pub struct LastAdmin;

impl AccountChange {
    /// Whether the change may take an admin away, whoever it is made to.
    pub fn may_remove_an_admin(self) -> bool {
        self.disabled == Some(true) || self.role.is_some_and(|role| role != Role::Admin)
    }

    /// Refuses to take the last enabled admin away. `other_admins` is how many others are enabled.
    pub fn keeps_an_admin(self, before: &Account, other_admins: usize) -> Result<(), LastAdmin> {
        let removes = before.is_enabled_admin() && !self.apply_to(before.clone()).is_enabled_admin();
        if removes && other_admins == 0 { Err(LastAdmin) } else { Ok(()) }
    }

    /// The account after the change.
    #[must_use]
    pub fn apply_to(self, account: Account) -> Account {
        Account {
            role: self.role.unwrap_or(account.role),
            disabled: self.disabled.unwrap_or(account.disabled),
            ..account
        }
    }

    /// Whether the change leaves the account other than it was. Its sessions end then: what they prove is not true any
    /// more.
    pub fn changes(self, before: &Account) -> bool {
        self.apply_to(before.clone()) != *before
    }

    /// The audit records of the change, made by the admin `by`: one for the role, with the roles before and after, and
    /// one for disabling or enabling. What the change leaves as it was has no record.
    pub fn audit_records(self, before: &Account, by: AccountId, at: Timestamp) -> Vec<AuditRecord> {
        let after = self.apply_to(before.clone());
        let role = (after.role != before.role).then_some(AuditAction::RoleChanged);
        let disabled = match (before.disabled, after.disabled) {
            (false, true) => Some(AuditAction::AccountDisabled),
            (true, false) => Some(AuditAction::AccountEnabled),
            _ => None,
        };
        let record = |action| AuditRecord {
            actor: Some(by),
            action,
            target: before.id.to_string(),
            reason: (action == AuditAction::RoleChanged)
                .then(|| Reason::new(&format!("from {} to {}", before.role, after.role)).ok())
                .flatten(),
            at,
        };
        role.into_iter().chain(disabled).map(record).collect()
    }
}

/// The audit record of an operator who made an account an admin's on the command line. `before` is the role that the
/// account had, if it existed.
pub fn appointment_record(account: AccountId, before: Option<Role>, at: Timestamp) -> AuditRecord {
    AuditRecord {
        actor: None,
        action: AuditAction::AccountAppointed,
        target: account.to_string(),
        reason: before.and_then(|role| Reason::new(&format!("from {role} to {}", Role::Admin)).ok()),
        at,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{Email, PersonName};

    fn account() -> Account {
        Account {
            id: AccountId::new(Uuid::from_u128(1)),
            email: Email::new("ana@example.org").unwrap(),
            name: PersonName::new("Ana").unwrap(),
            role: Role::Customer,
            disabled: false,
            email_verified: true,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn actions(change: AccountChange, before: &Account) -> Vec<(AuditAction, Option<String>)> {
        let records = change.audit_records(before, AccountId::new(Uuid::from_u128(2)), Timestamp::UNIX_EPOCH);
        records.into_iter().map(|r| (r.action, r.reason.map(|reason| reason.as_str().to_owned()))).collect()
    }

    #[test]
    fn each_thing_that_changes_has_one_record() {
        let change = AccountChange { role: Some(Role::Staff), disabled: Some(true) };
        let expected = [
            (AuditAction::RoleChanged, Some("from customer to staff".to_owned())),
            (AuditAction::AccountDisabled, None),
        ];
        assert_eq!(actions(change, &account()), expected);
        assert!(change.changes(&account()));
        let after = change.apply_to(account());
        assert_eq!((after.role, after.disabled), (Role::Staff, true));
        let enable = AccountChange { role: None, disabled: Some(false) };
        assert_eq!(actions(enable, &after), [(AuditAction::AccountEnabled, None)]);
    }

    #[test]
    fn one_enabled_admin_always_remains() {
        let change = |role, disabled| AccountChange { role, disabled };
        let admin = Account { role: Role::Admin, ..account() };
        for removes in [
            change(Some(Role::Staff), None),
            change(Some(Role::Customer), Some(false)),
            change(None, Some(true)),
            change(Some(Role::Admin), Some(true)),
        ] {
            assert!(removes.may_remove_an_admin());
            assert_eq!(removes.keeps_an_admin(&admin, 0), Err(LastAdmin), "{removes:?}");
            assert_eq!(removes.keeps_an_admin(&admin, 1), Ok(()));
            assert_eq!(removes.keeps_an_admin(&account(), 0), Ok(()), "was no admin");
            assert_eq!(removes.keeps_an_admin(&Account { disabled: true, ..admin.clone() }, 0), Ok(()));
        }
        for keeps in [change(None, None), change(Some(Role::Admin), Some(false))] {
            assert!(!keeps.may_remove_an_admin());
            assert_eq!(keeps.keeps_an_admin(&admin, 0), Ok(()));
        }
    }

    #[test]
    fn what_stays_as_it_was_has_no_record() {
        let same = AccountChange { role: Some(Role::Customer), disabled: Some(false) };
        assert_eq!(actions(same, &account()), []);
        assert!(!same.changes(&account()));
        assert_eq!(same.apply_to(account()), account());
        assert_eq!(actions(AccountChange::default(), &account()), []);
    }
}
