use comanda_domain::{Administrator, Email, LockedAddress, ports::Unavailable};

use super::Operations;

impl Operations {
    /// Finds the lock of an address, if it is locked now.
    pub async fn find_lockout(&self, _by: Administrator, email: &Email) -> Result<Option<LockedAddress>, Unavailable> {
        self.locked_addresses.find(email).await
    }
}
