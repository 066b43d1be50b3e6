use comanda_domain::{
    ImportedSupply, SupplyId,
    ports::{ImportSummary, ImportSuppliesError},
};

use crate::Setup;

impl Setup {
    /// Brings the supplies to what a file says.
    pub async fn import_supplies(&self, rows: Vec<ImportedSupply>) -> Result<ImportSummary, ImportSuppliesError> {
        let ids = rows.iter().map(|_| SupplyId::new(self.ids.generate())).collect();
        self.supplies.import(rows, ids, self.clock.now()).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::ports::MockSupplies;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn every_row_gets_an_id_of_its_own() {
        let name = sample::supply().details.name.into();
        let row = ImportedSupply { id: None, name, unit: None, stock: None, low_stock_at: None };
        let mut stored = MockSupplies::new();
        stored
            .expect_import()
            .once()
            .withf(|rows, ids, _| (rows.len(), ids.len()) == (2, 2) && ids[0] != ids[1])
            .returning(|_, _, _| Ok(ImportSummary { unchanged: 2, ..ImportSummary::default() }));
        let setup = Setup { supplies: Arc::new(stored), ..sample::setup() };
        assert_eq!(setup.import_supplies(vec![row.clone(), row]).await.unwrap().unchanged, 2);
    }
}
