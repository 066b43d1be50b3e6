use comanda_domain::{StaffMember, SupplyId, ports::ArchiveSupplyError};

use super::Supplies;

impl Supplies {
    /// Puts a supply away for good; its ledger stays. `revision` is the one the editor has seen.
    pub async fn archive(&self, by: StaffMember, id: SupplyId, revision: u32) -> Result<(), ArchiveSupplyError> {
        self.supplies.archive(id, revision, by.account_id(), self.clock.now()).await
    }
}
