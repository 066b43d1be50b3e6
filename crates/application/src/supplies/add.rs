use comanda_domain::{
    NewSupply, StaffMember, Stock, Supply, SupplyDetails, SupplyId, SupplyUnit,
    ports::{AddSupplyError, Idempotent},
};

use super::Supplies;
use crate::IdempotentRequest;

impl Supplies {
    /// Begins to count a supply.
    pub async fn add(
        &self,
        by: StaffMember,
        details: SupplyDetails,
        unit: SupplyUnit,
        stock: Stock,
        request: Option<IdempotentRequest>,
    ) -> Result<Idempotent<Supply>, AddSupplyError> {
        let (id, added_at) = (SupplyId::new(self.ids.generate()), self.clock.now());
        let idempotency = request.map(|request| request.by(by.account_id()));
        self.supplies.add(NewSupply { id, details, unit, stock, added_at }, by.account_id(), idempotency).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::ports::MockSupplies;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn adds_the_supply_with_its_first_stock_under_the_name_of_who_did_it() {
        let mut stored = MockSupplies::new();
        stored
            .expect_add()
            .once()
            .withf(|supply, by, _| {
                (supply.stock.get(), supply.unit, *by) == (30, SupplyUnit::Gram, sample::staff().account_id())
            })
            .returning(|_, _, _| Ok(Idempotent { outcome: sample::supply(), replayed: false }));
        let supplies = Supplies { supplies: Arc::new(stored), ..sample::supplies() };
        let (details, stock) = (sample::supply().details, Stock::new(30).unwrap());
        assert!(supplies.add(sample::staff(), details, SupplyUnit::Gram, stock, None).await.is_ok());
    }
}
