use comanda_domain::{
    Account, AccountId, Role, SecurityEvent, SecurityEventKind, SecurityOutcome,
    ports::{ExistingAccount, NewAccount, RegisterAccountError},
};

use super::{OpenAccountError, Registration};
use crate::Setup;

impl Setup {
    /// Gives a deployment an admin: opens the account, or does with the address's existing one what `existing` says.
    /// Running servers find the sessions that this ends in the table of sessions.
    pub async fn appoint_admin(
        &self,
        registration: Registration,
        existing: ExistingAccount,
    ) -> Result<Account, OpenAccountError> {
        let password_hash = self.hasher.hash(registration.password).await?;
        let account = NewAccount {
            id: AccountId::new(self.ids.generate()),
            email: registration.email,
            name: registration.name,
            role: Role::Admin,
            password_hash,
            created_at: self.clock.now(),
        };
        let email = account.email.clone();
        let appointed = self.accounts.appoint(account, existing).await;
        let event = match &appointed {
            Ok(changed) => SecurityEvent::new(SecurityEventKind::AdminAppointment, SecurityOutcome::Success)
                .of_account(changed.account.id),
            Err(RegisterAccountError::EmailTaken) => {
                SecurityEvent::new(SecurityEventKind::AdminAppointment, SecurityOutcome::Refused).because("email_taken")
            }
            Err(RegisterAccountError::Unavailable(_)) => {
                SecurityEvent::new(SecurityEventKind::AdminAppointment, SecurityOutcome::Failed).because("unavailable")
            }
        };
        self.security.record(event.of_address(&email));
        Ok(appointed?.account)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{
        Password, PersonName,
        ports::{ChangedAccount, MockAccountChanges, MockPasswordHasher},
    };

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn appoints_an_admin() {
        let mut hasher = MockPasswordHasher::new();
        hasher.expect_hash().returning(|_| Ok(sample::password_hash()));
        let mut accounts = MockAccountChanges::new();
        accounts
            .expect_appoint()
            .once()
            .withf(|new, existing| new.role == Role::Admin && *existing == ExistingAccount::Refused)
            .returning(|new, _| Ok(ChangedAccount { account: sample::account_of(&new), ended: Vec::new() }));
        let setup = Setup { accounts: Arc::new(accounts), hasher: Arc::new(hasher), ..sample::setup() };

        let registration = Registration {
            email: sample::email(),
            name: PersonName::new("Ana").unwrap(),
            password: Password::attempt("correct horse battery".to_owned()).unwrap(),
        };
        let account = setup.appoint_admin(registration, ExistingAccount::Refused).await.unwrap();

        assert_eq!(account.role, Role::Admin);
    }
}
