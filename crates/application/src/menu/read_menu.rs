use std::sync::Arc;

use comanda_domain::ports::{PublicMenu, Unavailable, WholeMenu};

/// Reads the whole menu as customers do.
pub struct ReadMenu {
    menu: Arc<dyn PublicMenu>,
}

impl ReadMenu {
    pub fn new(menu: Arc<dyn PublicMenu>) -> Self {
        Self { menu }
    }

    /// Menu items that are switched off included: who shows it leaves them out. The same `Arc` as long as nothing changes.
    pub async fn execute(&self) -> Result<Arc<WholeMenu>, Unavailable> {
        self.menu.whole().await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::MockPublicMenu;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn hands_on_the_very_menu_it_was_given() {
        let given = Arc::new(WholeMenu { version: 7, items: vec![sample::menu_item()] });
        let mut menu = MockPublicMenu::new();
        let whole = Arc::clone(&given);
        menu.expect_whole().returning(move || Ok(Arc::clone(&whole)));
        assert!(Arc::ptr_eq(&ReadMenu::new(Arc::new(menu)).execute().await.unwrap(), &given));
    }
}
