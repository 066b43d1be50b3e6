use std::sync::Arc;

use comanda_domain::{
    account::{Account, Role},
    ids::AccountId,
    ports::{Accounts, Clock, IdGenerator, NewAccount, PasswordHasher},
};

use super::register_account::{OpenAccountError, Registration};

/// Gives a deployment an admin: opens the account, or makes the existing one an admin with this name and password. For whoever
/// holds the keys to the database, not for HTTP.
pub struct AppointAdmin {
    accounts: Arc<dyn Accounts>,
    hasher: Arc<dyn PasswordHasher>,
    ids: Arc<dyn IdGenerator>,
    clock: Arc<dyn Clock>,
}

impl AppointAdmin {
    pub fn new(
        accounts: Arc<dyn Accounts>,
        hasher: Arc<dyn PasswordHasher>,
        ids: Arc<dyn IdGenerator>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { accounts, hasher, ids, clock }
    }

    pub async fn execute(&self, registration: Registration) -> Result<Account, OpenAccountError> {
        let password_hash = self.hasher.hash(registration.password).await?;
        let account = NewAccount {
            id: AccountId::new(self.ids.generate()),
            email: registration.email,
            name: registration.name,
            role: Role::Admin,
            password_hash,
            created_at: self.clock.now(),
        };
        Ok(self.accounts.appoint(account).await?)
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::{
        password::Password,
        ports::{MockAccounts, MockPasswordHasher},
        text::PersonName,
    };

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn appoints_an_admin() {
        let mut hasher = MockPasswordHasher::new();
        hasher.expect_hash().returning(|_| Ok(sample::password_hash()));
        let mut accounts = MockAccounts::new();
        accounts
            .expect_appoint()
            .once()
            .withf(|new| new.role == Role::Admin)
            .returning(|new| Ok(sample::account_of(&new)));
        let appoint = AppointAdmin::new(Arc::new(accounts), Arc::new(hasher), sample::ids(), sample::clock());

        let account = appoint
            .execute(Registration {
                email: sample::email(),
                name: PersonName::new("Ana").unwrap(),
                password: Password::choose("correct horse battery".to_owned()).unwrap(),
            })
            .await
            .unwrap();

        assert_eq!(account.role, Role::Admin);
    }
}
