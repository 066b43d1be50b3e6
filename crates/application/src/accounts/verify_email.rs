use comanda_domain::{MailToken, SecurityEvent, SecurityEventKind, SecurityOutcome, ports::MailTokenError};

use super::Accounts;

impl Accounts {
    /// Marks the address that a token was mailed to as verified. The token is the proof: its bearer need not be signed
    /// in.
    pub async fn verify_email(&self, token: &MailToken) -> Result<(), MailTokenError> {
        let verified = self.mails.verify_email(self.mail_tokens.hash(token), self.clock.now()).await;
        let event = |outcome| SecurityEvent::new(SecurityEventKind::EmailVerification, outcome);
        self.security.record(match &verified {
            Ok(account) => event(SecurityOutcome::Success).of_account(*account),
            Err(MailTokenError::Unavailable(_)) => event(SecurityOutcome::Failed).because("unavailable"),
            Err(_) => event(SecurityOutcome::Refused).because("invalid_mail_token"),
        });
        verified.map(|_| ())
    }
}
