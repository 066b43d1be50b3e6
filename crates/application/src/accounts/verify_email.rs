use comanda_domain::{
    AccountId, MailToken, SecurityEvent, SecurityEventKind, SecurityOutcome, TokenPurpose, ports::MailTokenError,
};

use super::Accounts;

impl Accounts {
    /// Marks the address that a token was mailed to as verified. The token is the proof: its bearer need not be signed
    /// in, but if somebody is, it must be the account that the token was mailed to.
    pub async fn verify_email(&self, token: &MailToken, signed_in: Option<AccountId>) -> Result<(), MailTokenError> {
        let verified = self.check_and_verify(token, signed_in).await;
        let event = |outcome| SecurityEvent::new(SecurityEventKind::EmailVerification, outcome);
        self.security.record(match &verified {
            Ok(account) => event(SecurityOutcome::Success).of_account(*account),
            Err(MailTokenError::Unavailable(_)) => event(SecurityOutcome::Failed).because("unavailable"),
            Err(_) => event(SecurityOutcome::Refused).because("invalid_mail_token"),
        });
        verified.map(|_| ())
    }

    async fn check_and_verify(
        &self,
        token: &MailToken,
        signed_in: Option<AccountId>,
    ) -> Result<AccountId, MailTokenError> {
        let hash = self.mail_tokens.hash(token);
        self.find_by_token(hash, TokenPurpose::Verification, signed_in).await?;
        self.mails.verify_email(hash, self.clock.now()).await
    }
}
