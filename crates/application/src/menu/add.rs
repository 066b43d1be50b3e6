use comanda_domain::{
    MenuItem, MenuItemDetails, MenuItemId, NewMenuItem, StaffMember, StationId, StockLevel,
    ports::{AddMenuItemError, Idempotent},
};

use super::Menu;
use crate::IdempotentRequest;

impl Menu {
    /// Puts a menu item on the menu; one without a stock is not counted.
    pub async fn add(
        &self,
        by: StaffMember,
        details: MenuItemDetails,
        stock: Option<StockLevel>,
        station: Option<StationId>,
        request: Option<IdempotentRequest>,
    ) -> Result<Idempotent<MenuItem>, AddMenuItemError> {
        let (id, added_at) = (MenuItemId::new(self.ids.generate()), self.clock.now());
        let item = NewMenuItem { id, details, stock, station, added_at };
        let idempotency = request.map(|request| request.by(by.account_id()));
        self.menu.add(item, by.account_id(), idempotency).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::ports::MockMenu;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn adds_the_menu_item_with_its_first_stock_under_the_name_of_who_did_it() {
        let mut stored = MockMenu::new();
        stored
            .expect_add()
            .once()
            .withf(|item, by, _| item.stock == sample::menu_item().stock && *by == sample::staff().account_id())
            .returning(|_, _, _| Ok(Idempotent { outcome: sample::menu_item(), replayed: false }));
        let menu = Menu { menu: Arc::new(stored), ..sample::menu() };
        let MenuItem { details, stock, .. } = sample::menu_item();
        assert!(menu.add(sample::staff(), details, stock, None, None).await.is_ok());
    }
}
