use std::sync::Arc;

use comanda_domain::{
    ids::MenuItemId,
    menu_item::ImportedMenuItem,
    ports::{Clock, IdGenerator, ImportMenuError, ImportSummary, Menu},
};

/// Brings the menu to what a file says. For whoever runs the server, not for HTTP.
pub struct ImportMenu {
    menu: Arc<dyn Menu>,
    ids: Arc<dyn IdGenerator>,
    clock: Arc<dyn Clock>,
}

impl ImportMenu {
    pub fn new(menu: Arc<dyn Menu>, ids: Arc<dyn IdGenerator>, clock: Arc<dyn Clock>) -> Self {
        Self { menu, ids, clock }
    }

    pub async fn execute(&self, rows: Vec<ImportedMenuItem>) -> Result<ImportSummary, ImportMenuError> {
        let ids = rows.iter().map(|_| MenuItemId::new(self.ids.generate())).collect();
        self.menu.import(rows, ids, self.clock.now()).await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::MockMenu;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn brings_an_id_for_every_row() {
        let details = sample::menu_item().details;
        let row = ImportedMenuItem {
            name: details.name,
            category: details.category,
            price: details.price,
            stock: details.low_stock_at,
            description: details.description,
        };
        let mut menu = MockMenu::new();
        menu.expect_import()
            .once()
            .withf(|rows, ids, _| rows.len() == 2 && ids.len() == 2 && ids[0] != ids[1])
            .returning(|_, _, _| Ok(ImportSummary { added: 2, ..ImportSummary::default() }));
        let import = ImportMenu::new(Arc::new(menu), sample::ids(), sample::clock());
        assert_eq!(import.execute(vec![row.clone(), row]).await.unwrap().added, 2);
    }
}
