use comanda_domain::ports::Unavailable;

use super::Mails;

/// How much is deleted at once, so that nobody waits for it.
const BATCH: u32 = 500;

impl Mails {
    /// Deletes mails and tokens that are of no use any more, in small batches. Returns how many.
    pub async fn delete_old(&self) -> Result<u64, Unavailable> {
        let mut deleted = 0;
        loop {
            match self.mails.delete_old(self.clock.now(), BATCH).await? {
                0 => return Ok(deleted),
                more => deleted += more,
            }
        }
    }
}
