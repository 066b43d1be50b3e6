use comanda_domain::ports::{MenuListing, Unavailable};

use crate::Setup;

impl Setup {
    /// Reads everything on the menu as it is at this moment, items that are switched off included.
    pub async fn export_menu(&self) -> Result<MenuListing, Unavailable> {
        self.live_menu.listing().await
    }
}
