use comanda_domain::{StaffMember, Supply, SupplyId, ports::Unavailable};

use super::Supplies;

impl Supplies {
    /// Finds a supply as it is at this moment.
    pub async fn find(&self, _by: StaffMember, id: SupplyId) -> Result<Option<Supply>, Unavailable> {
        self.list.supply(id).await
    }
}
