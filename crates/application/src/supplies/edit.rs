use comanda_domain::{StaffMember, Supply, SupplyEdit, SupplyId, ports::EditSupplyError};

use super::Supplies;

impl Supplies {
    /// Changes a supply's details. `revision` is the one the editor has seen.
    pub async fn edit(
        &self,
        by: StaffMember,
        id: SupplyId,
        revision: u32,
        edit: SupplyEdit,
    ) -> Result<Supply, EditSupplyError> {
        self.supplies.edit(id, revision, edit, by.account_id(), self.clock.now()).await
    }
}
