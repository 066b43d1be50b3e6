use comanda_domain::{
    Page, PageLimit, StaffMember, Supply, SupplyPosition,
    ports::{SuppliesQuery, Unavailable},
};

use super::Supplies;

impl Supplies {
    /// Lists supplies a page at a time.
    pub async fn list(
        &self,
        _by: StaffMember,
        name_like: Option<String>,
        after: Option<SupplyPosition>,
        limit: PageLimit,
    ) -> Result<Page<Supply, SupplyPosition>, Unavailable> {
        self.list.supplies(SuppliesQuery { name_like, after, limit }).await
    }
}
