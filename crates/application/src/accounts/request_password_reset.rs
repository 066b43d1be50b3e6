use comanda_domain::{Email, ports::Unavailable};

use super::Accounts;

impl Accounts {
    /// Has a mail sent that lets the owner of the address choose another password. The request is only recorded:
    /// whether there is an account is found out when the mail is sent, so neither the response nor its time can tell.
    pub async fn request_password_reset(&self, email: &Email) -> Result<(), Unavailable> {
        self.mails.request_password_reset(email, self.clock.now()).await?;
        self.mail_work.wake();
        Ok(())
    }
}
