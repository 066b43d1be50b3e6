use std::sync::Arc;

use comanda_domain::ports::{GuestMenu, Unavailable, WholeMenu};

/// Reads the whole menu as guests do.
pub struct ReadMenu {
    menu: Arc<dyn GuestMenu>,
}

impl ReadMenu {
    pub fn new(menu: Arc<dyn GuestMenu>) -> Self {
        Self { menu }
    }

    /// Dishes that are switched off included: who shows it leaves them out. The same `Arc` as long as nothing changes.
    pub async fn execute(&self) -> Result<Arc<WholeMenu>, Unavailable> {
        self.menu.whole().await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::MockGuestMenu;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn hands_on_the_very_menu_it_was_given() {
        let given = Arc::new(WholeMenu { version: 7, items: vec![sample::menu_item()] });
        let mut menu = MockGuestMenu::new();
        let whole = Arc::clone(&given);
        menu.expect_whole().returning(move || Ok(Arc::clone(&whole)));
        assert!(Arc::ptr_eq(&ReadMenu::new(Arc::new(menu)).execute().await.unwrap(), &given));
    }
}
