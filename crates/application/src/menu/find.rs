use comanda_domain::{Actor, MenuItem, MenuItemId, StaffMember, ports::Unavailable};

use super::Menu;

impl Menu {
    /// Finds one menu item. Staff see the stock, which must be that of this moment; customers do not, and read from a
    /// copy.
    pub async fn find(&self, reader: Option<Actor>, id: MenuItemId) -> Result<Option<MenuItem>, Unavailable> {
        match reader.and_then(Actor::as_staff) {
            Some(staff) => self.find_for_staff(staff, id).await,
            None => self.public_menu.item(id).await,
        }
    }

    /// Finds a menu item as it is at this moment.
    pub async fn find_for_staff(&self, _by: StaffMember, id: MenuItemId) -> Result<Option<MenuItem>, Unavailable> {
        self.live_menu.item(id).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{
        Role, Stock, StockLevel,
        ports::{MockLiveMenu, MockPublicMenu},
    };

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn staff_read_the_stock_of_this_moment_and_customers_a_copy() {
        let mut stored = MockLiveMenu::new();
        let level = sample::menu_item().stock.unwrap();
        let stock = Some(StockLevel { on_hand: Stock::new(29).unwrap(), ..level });
        stored.expect_item().returning(move |_| Ok(Some(MenuItem { stock, ..sample::menu_item() })));
        let mut public_menu = MockPublicMenu::new();
        public_menu.expect_item().returning(|_| Ok(Some(sample::menu_item())));
        let menu = Menu { live_menu: Arc::new(stored), public_menu: Arc::new(public_menu), ..sample::menu() };
        for (reader, stock) in [
            (None, 30),
            (Some(sample::actor(Role::Customer)), 30),
            (Some(sample::actor(Role::Staff)), 29),
            (Some(sample::actor(Role::Admin)), 29),
        ] {
            assert_eq!(menu.find(reader, sample::menu_item().id).await.unwrap().unwrap().on_hand(), Some(stock));
        }
    }
}
