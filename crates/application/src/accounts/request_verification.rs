use comanda_domain::{
    Actor,
    ports::{Idempotent, RequestMailError, Unavailable},
};

use super::Accounts;
use crate::IdempotentRequest;

impl Accounts {
    /// Whether the same request has succeeded before: then it is not counted, and responded to as the first was.
    pub async fn has_requested_verification(
        &self,
        actor: Actor,
        request: Option<&IdempotentRequest>,
    ) -> Result<bool, Unavailable> {
        let Some(request) = request else { return Ok(false) };
        self.mails.has_requested_verification(&request.clone().by(actor.account_id), self.clock.now()).await
    }

    /// Has a mail sent that lets the account's owner verify the address. An address that is verified gets none.
    pub async fn request_verification(
        &self,
        actor: Actor,
        request: Option<IdempotentRequest>,
    ) -> Result<Idempotent<()>, RequestMailError> {
        let idempotency = request.map(|request| request.by(actor.account_id));
        let requested = self.mails.request_verification(actor.account_id, self.clock.now(), idempotency).await?;
        self.mail_work.wake();
        Ok(requested)
    }
}
