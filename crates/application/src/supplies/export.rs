use comanda_domain::ports::{SupplyListing, Unavailable};

use crate::Setup;

impl Setup {
    /// Reads every supply as it is at this moment.
    pub async fn export_supplies(&self) -> Result<SupplyListing, Unavailable> {
        self.supply_list.listing().await
    }
}
