use std::sync::Arc;

use comanda_domain::ports::{Menu, Unavailable, WholeMenu};

/// Reads everything on the menu as it stands at this moment. For whoever runs the server, not for HTTP.
pub struct ExportMenu {
    menu: Arc<dyn Menu>,
}

impl ExportMenu {
    pub fn new(menu: Arc<dyn Menu>) -> Self {
        Self { menu }
    }

    pub async fn execute(&self) -> Result<WholeMenu, Unavailable> {
        self.menu.whole().await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::MockMenu;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn what_is_switched_off_is_exported_too() {
        let mut menu = MockMenu::new();
        menu.expect_whole().returning(|| {
            let mut off = sample::menu_item();
            off.details.active = false;
            Ok(WholeMenu { version: 7, items: vec![sample::menu_item(), off] })
        });
        assert_eq!(ExportMenu::new(Arc::new(menu)).execute().await.unwrap().items.len(), 2);
    }
}
