use comanda_domain::{GroupOffers, MenuItem, MenuItemId, StaffMember, ports::OfferGroupsError};

use super::Menu;

impl Menu {
    /// Has a menu item offer these groups, and no others. `revision` is the one the editor has seen.
    pub async fn offer_option_groups(
        &self,
        by: StaffMember,
        id: MenuItemId,
        revision: u32,
        offers: GroupOffers,
    ) -> Result<MenuItem, OfferGroupsError> {
        self.option_groups.offer(id, revision, offers, by.account_id(), self.clock.now()).await
    }
}
