use comanda_domain::{
    ImportedMenuItem, MenuItemId,
    ports::{ImportMenuError, ImportSummary},
};

use crate::Setup;

impl Setup {
    /// Brings the menu to what a file says.
    pub async fn import_menu(&self, rows: Vec<ImportedMenuItem>) -> Result<ImportSummary, ImportMenuError> {
        let ids = rows.iter().map(|_| MenuItemId::new(self.ids.generate())).collect();
        self.menu.import(rows, ids, self.clock.now()).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{ImportedStock, ports::MockMenu};

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn every_row_gets_an_id() {
        let details = sample::menu_item().details;
        let row = ImportedMenuItem {
            id: None,
            name: details.name.into(),
            category: details.category.into(),
            price: details.price,
            stock: Some(ImportedStock::Empty),
            description: None,
            low_stock_at: None,
            active: None,
        };
        let mut menu = MockMenu::new();
        menu.expect_import()
            .once()
            .withf(|rows, ids, _| rows.len() == 2 && ids.len() == 2 && ids[0] != ids[1])
            .returning(|_, _, _| Ok(ImportSummary { added: 2, ..ImportSummary::default() }));
        let setup = Setup { menu: Arc::new(menu), ..sample::setup() };
        assert_eq!(setup.import_menu(vec![row.clone(), row]).await.unwrap().added, 2);
    }
}
