use comanda_domain::{
    Administrator, LockedAddress, Page,
    ports::{LockedAddressPosition, LockoutsQuery, Unavailable},
};

use super::Operations;

impl Operations {
    /// Lists the addresses that are locked now, a page at a time.
    pub async fn list_lockouts(
        &self,
        _by: Administrator,
        query: LockoutsQuery,
    ) -> Result<Page<LockedAddress, LockedAddressPosition>, Unavailable> {
        self.locked_addresses.list(query).await
    }
}
