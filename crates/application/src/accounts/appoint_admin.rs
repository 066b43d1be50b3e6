use comanda_domain::{Account, AccountId, Role, SecurityEvent, SecurityEventKind, SecurityOutcome, ports::NewAccount};

use super::{OpenAccountError, Registration};
use crate::Setup;

impl Setup {
    /// Gives a deployment an admin: opens the account, or makes the existing one an admin with this name and password.
    pub async fn appoint_admin(&self, registration: Registration) -> Result<Account, OpenAccountError> {
        let password_hash = self.hasher.hash(registration.password).await?;
        let account = NewAccount {
            id: AccountId::new(self.ids.generate()),
            email: registration.email,
            name: registration.name,
            role: Role::Admin,
            password_hash,
            created_at: self.clock.now(),
        };
        let account = self.accounts.appoint(account).await?;
        let event = SecurityEvent::new(SecurityEventKind::AdminAppointment, SecurityOutcome::Success);
        self.security.record(event.of_account(account.id).of_address(&account.email));
        Ok(account)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{
        Password, PersonName,
        ports::{MockAccountChanges, MockPasswordHasher},
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
            .withf(|new| new.role == Role::Admin)
            .returning(|new| Ok(sample::account_of(&new)));
        let setup = Setup { accounts: Arc::new(accounts), hasher: Arc::new(hasher), ..sample::setup() };

        let account = setup
            .appoint_admin(Registration {
                email: sample::email(),
                name: PersonName::new("Ana").unwrap(),
                password: Password::attempt("correct horse battery".to_owned()).unwrap(),
            })
            .await
            .unwrap();

        assert_eq!(account.role, Role::Admin);
    }
}
