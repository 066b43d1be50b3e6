use std::sync::Arc;

use comanda_domain::{
    ids::MenuItemId,
    menu_item::MenuItem,
    ports::{Menu, Unavailable},
};

/// Reads one dish.
pub struct ReadMenuItem {
    menu: Arc<dyn Menu>,
}

impl ReadMenuItem {
    pub fn new(menu: Arc<dyn Menu>) -> Self {
        Self { menu }
    }

    pub async fn execute(&self, id: MenuItemId) -> Result<Option<MenuItem>, Unavailable> {
        self.menu.item(id).await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::MockMenu;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn shows_the_dish_asked_for() {
        let mut menu = MockMenu::new();
        menu.expect_item().withf(|id| *id == sample::menu_item().id).returning(|_| Ok(Some(sample::menu_item())));
        let found = ReadMenuItem::new(Arc::new(menu)).execute(sample::menu_item().id).await.unwrap();
        assert_eq!(found, Some(sample::menu_item()));
    }
}
