use comanda_domain::{
    Actor, IdempotencyKey,
    ports::{Idempotent, RequestMailError},
};

use super::Accounts;

impl Accounts {
    /// Has a mail sent that lets the account's owner verify the address. An address that is verified gets none.
    pub async fn request_verification(
        &self,
        actor: Actor,
        key: Option<IdempotencyKey>,
    ) -> Result<Idempotent<()>, RequestMailError> {
        let requested = self.mails.request_verification(actor.account_id, key, self.clock.now()).await?;
        self.mail_work.wake();
        Ok(requested)
    }
}
