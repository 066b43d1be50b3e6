use comanda_domain::{MailToken, ports::MailTokenError};

use super::Accounts;

impl Accounts {
    /// Marks the address that a token was mailed to as verified. The token is the proof: its bearer need not be signed in.
    pub async fn verify_email(&self, token: &MailToken) -> Result<(), MailTokenError> {
        self.mails.verify_email(self.mail_tokens.hash(token), self.clock.now()).await
    }
}
