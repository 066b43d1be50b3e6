use comanda_domain::{
    Account, AccountId, Email, Password, PersonName, Role,
    ports::{HashPasswordError, NewAccount, RegisterAccountError, Unavailable},
};
use thiserror::Error;

use super::Accounts;

/// What a newcomer fills in.
#[derive(Debug)]
pub struct Registration {
    pub email: Email,
    pub name: PersonName,
    pub password: Password,
}

/// Why no account was opened.
#[derive(Debug, Error)]
pub enum OpenAccountError {
    #[error("the e-mail address has an account already")]
    EmailTaken,
    #[error("the password hasher is busy")]
    Busy,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<HashPasswordError> for OpenAccountError {
    fn from(error: HashPasswordError) -> Self {
        match error {
            HashPasswordError::Busy => Self::Busy,
            HashPasswordError::Unavailable(source) => Self::Unavailable(source),
        }
    }
}

impl From<RegisterAccountError> for OpenAccountError {
    fn from(error: RegisterAccountError) -> Self {
        match error {
            RegisterAccountError::EmailTaken => Self::EmailTaken,
            RegisterAccountError::Unavailable(source) => Self::Unavailable(source),
        }
    }
}

impl Accounts {
    /// Opens a customer's account, and has a mail sent that lets its owner verify the address.
    pub async fn register(&self, registration: Registration) -> Result<Account, OpenAccountError> {
        let password_hash = self.passwords.hasher.hash(registration.password).await?;
        let account = NewAccount {
            id: AccountId::new(self.ids.generate()),
            email: registration.email,
            name: registration.name,
            role: Role::Customer,
            password_hash,
            created_at: self.clock.now(),
        };
        let account = self.accounts.register(account).await?;
        self.mail_work.wake();
        Ok(account)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::ports::{MockAccounts, MockPasswordHasher, MockWorkQueue};

    use super::*;
    use crate::{accounts::Passwords, sample};

    fn registration() -> Registration {
        Registration {
            email: sample::email(),
            name: PersonName::new("Ana").unwrap(),
            password: Password::attempt("correct horse battery".to_owned()).unwrap(),
        }
    }

    #[tokio::test]
    async fn a_newcomer_becomes_a_customer_and_only_the_hash_is_kept() {
        let mut hasher = MockPasswordHasher::new();
        hasher.expect_hash().once().returning(|_| Ok(sample::password_hash()));
        let mut stored = MockAccounts::new();
        stored
            .expect_register()
            .once()
            .withf(|new| new.role == Role::Customer && new.password_hash == sample::password_hash())
            .returning(|new| Ok(sample::account_of(&new)));
        let passwords = Passwords { hasher: Arc::new(hasher), ..sample::passwords() };
        let mut work = MockWorkQueue::new();
        work.expect_wake().once().return_const(());
        let mail_work = Arc::new(work);
        let accounts = Accounts { accounts: Arc::new(stored), passwords, mail_work, ..sample::accounts() };

        let account = accounts.register(registration()).await.unwrap();

        assert_eq!((account.email, account.created_at), (sample::email(), sample::now()));
    }

    #[tokio::test]
    async fn a_busy_hasher_opens_nothing() {
        let mut hasher = MockPasswordHasher::new();
        hasher.expect_hash().returning(|_| Err(HashPasswordError::Busy));
        let passwords = Passwords { hasher: Arc::new(hasher), ..sample::passwords() };
        let accounts = Accounts { passwords, ..sample::accounts() };

        assert!(matches!(accounts.register(registration()).await, Err(OpenAccountError::Busy)));
    }
}
