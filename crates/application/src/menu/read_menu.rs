use std::sync::Arc;

use comanda_domain::ports::{Menu, Unavailable, WholeMenu};

/// Reads the whole menu.
pub struct ReadMenu {
    menu: Arc<dyn Menu>,
}

impl ReadMenu {
    pub fn new(menu: Arc<dyn Menu>) -> Self {
        Self { menu }
    }

    /// What guests see: dishes that are switched off are left out.
    pub async fn for_guests(&self) -> Result<WholeMenu, Unavailable> {
        let mut whole = self.menu.whole().await?;
        whole.items.retain(|item| item.details.active);
        Ok(whole)
    }

    /// Everything, for an export.
    pub async fn complete(&self) -> Result<WholeMenu, Unavailable> {
        self.menu.whole().await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::MockMenu;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn guests_do_not_see_what_is_switched_off_and_an_export_does() {
        let mut menu = MockMenu::new();
        menu.expect_whole().returning(|| {
            let mut off = sample::menu_item();
            off.details.active = false;
            Ok(WholeMenu { version: 7, items: vec![sample::menu_item(), off] })
        });
        let read = ReadMenu::new(Arc::new(menu));
        assert_eq!(read.for_guests().await.unwrap().items, [sample::menu_item()]);
        assert_eq!(read.complete().await.unwrap().items.len(), 2);
    }
}
