//! Mails to accounts, the tokens in them, and the limits, in the tables `mails` and `mail_tokens`.

mod add_token;
mod admit;
mod check_token;
mod limit;
mod lock_lifted;
mod locks_to_lift;
mod record;
mod request_password_reset;
mod request_verification;
mod reset_password;
mod settle;
mod take_due;
mod use_token;
mod verify_email;

use async_trait::async_trait;
use comanda_domain::{
    Account, AccountId, Email, Idempotency, MailId, MailLimits, MailTokenHash, NewMailToken, PasswordHash, Timestamp,
    TokenPurpose,
    ports::{DueMail, Idempotent, MailAllowance, MailTokenError, Mails, RequestMailError, ResetAccount, Unavailable},
};
use tokio::sync::Semaphore;

pub(crate) use self::record::record;
use crate::{Database, idempotency::is_repeated};

/// Mails to accounts in the tables `mails` and `mail_tokens`.
pub struct PostgresMails {
    database: Database,
    limits: MailLimits,
    /// Mails about orders are counted one after the other. Many are sent at once, and none is urgent: they must not
    /// take the connections by which orders are placed.
    admitting: Semaphore,
}

impl PostgresMails {
    pub fn new(database: Database, limits: MailLimits) -> Self {
        Self { database, limits, admitting: Semaphore::new(1) }
    }
}

#[async_trait]
impl Mails for PostgresMails {
    async fn request_verification(
        &self,
        account: AccountId,
        at: Timestamp,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<()>, RequestMailError> {
        request_verification::request_verification(&self.database, self.limits, account, at, idempotency).await
    }

    async fn has_requested_verification(&self, request: &Idempotency, at: Timestamp) -> Result<bool, Unavailable> {
        let mut connection = self.database.read_connection().await?;
        is_repeated(&mut connection, request, at).await.map_err(Unavailable::new)
    }

    async fn request_password_reset(&self, email: &Email, at: Timestamp) -> Result<(), Unavailable> {
        request_password_reset::request_password_reset(&self.database, self.limits, email.clone(), at).await
    }

    async fn take_due(&self, at: Timestamp, attempts: u32) -> Result<Option<DueMail>, Unavailable> {
        take_due::take_due(&self.database, self.limits, at, attempts).await
    }

    async fn add_token(&self, token: NewMailToken) -> Result<(), Unavailable> {
        add_token::add_token(&self.database, &token).await
    }

    async fn settle(&self, id: MailId, attempt: u32, next_at: Option<Timestamp>) -> Result<(), Unavailable> {
        settle::settle(&self.database, id, attempt, next_at).await
    }

    async fn check_token(
        &self,
        hash: MailTokenHash,
        purpose: TokenPurpose,
        at: Timestamp,
    ) -> Result<Account, MailTokenError> {
        check_token::check_token(&self.database, hash, purpose, at).await
    }

    async fn verify_email(&self, hash: MailTokenHash, at: Timestamp) -> Result<AccountId, MailTokenError> {
        verify_email::verify_email(&self.database, hash, at).await
    }

    async fn reset_password(
        &self,
        hash: MailTokenHash,
        password: PasswordHash,
        at: Timestamp,
    ) -> Result<ResetAccount, MailTokenError> {
        reset_password::reset_password(&self.database, hash, password, at).await
    }

    async fn locks_to_lift(&self) -> Result<Vec<Email>, Unavailable> {
        locks_to_lift::locks_to_lift(&self.database).await
    }

    async fn lock_lifted(&self, email: &Email) -> Result<(), Unavailable> {
        lock_lifted::lock_lifted(&self.database, email).await
    }
}

#[async_trait]
impl MailAllowance for PostgresMails {
    async fn admit(&self, event: i64, account: AccountId, to: &Email, at: Timestamp) -> Result<bool, Unavailable> {
        let _alone = self.admitting.acquire().await.map_err(Unavailable::new)?;
        admit::admit(&self.database, self.limits, event, account, to.clone(), at).await
    }
}
