use std::sync::Arc;

use comanda_domain::{
    account::{Actor, StaffMember},
    ids::MenuItemId,
    menu_item::MenuItem,
    ports::{Menu, PublicMenu, Unavailable},
};

/// Reads one menu item.
pub struct ReadMenuItem {
    menu: Arc<dyn Menu>,
    public_menu: Arc<dyn PublicMenu>,
}

impl ReadMenuItem {
    pub fn new(menu: Arc<dyn Menu>, public_menu: Arc<dyn PublicMenu>) -> Self {
        Self { menu, public_menu }
    }

    /// Staff see the stock, which must be that of this moment; customers do not, and read from a copy.
    pub async fn execute(&self, reader: Option<Actor>, id: MenuItemId) -> Result<Option<MenuItem>, Unavailable> {
        match reader.and_then(Actor::as_staff) {
            Some(staff) => self.for_staff(staff, id).await,
            None => self.public_menu.item(id).await,
        }
    }

    /// The menu item as it is at this moment.
    pub async fn for_staff(&self, _by: StaffMember, id: MenuItemId) -> Result<Option<MenuItem>, Unavailable> {
        self.menu.item(id).await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::{
        account::Role,
        ports::{MockMenu, MockPublicMenu},
    };

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn staff_read_the_stock_of_this_moment_and_customers_a_copy() {
        let mut menu = MockMenu::new();
        menu.expect_item().returning(|_| Ok(Some(MenuItem { stock: 29, ..sample::menu_item() })));
        let mut public_menu = MockPublicMenu::new();
        public_menu.expect_item().returning(|_| Ok(Some(sample::menu_item())));
        let read = ReadMenuItem::new(Arc::new(menu), Arc::new(public_menu));
        for (reader, stock) in [
            (None, 30),
            (Some(sample::actor(Role::Customer)), 30),
            (Some(sample::actor(Role::Staff)), 29),
            (Some(sample::actor(Role::Admin)), 29),
        ] {
            assert_eq!(read.execute(reader, sample::menu_item().id).await.unwrap().unwrap().stock, stock);
        }
    }
}
