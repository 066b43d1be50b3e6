use comanda_domain::{
    Reason, StaffMember, StockChange, Supply, SupplyId,
    ports::{AdjustSupplyError, Idempotent, SupplyAdjustment},
};

use super::Supplies;
use crate::IdempotentRequest;

impl Supplies {
    /// Records a delivery, a breakage, a correction, or what was counted.
    pub async fn adjust(
        &self,
        by: StaffMember,
        id: SupplyId,
        change: StockChange,
        reason: Reason,
        request: Option<IdempotentRequest>,
    ) -> Result<Idempotent<Supply>, AdjustSupplyError> {
        let (adjusted_by, adjusted_at) = (by.account_id(), self.clock.now());
        let adjustment = SupplyAdjustment { of: id, change, reason, adjusted_by, adjusted_at };
        self.supplies.adjust(adjustment, request.map(|request| request.by(adjusted_by))).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{Stock, ports::MockSupplies};

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn what_was_counted_is_recorded_with_who_and_why() {
        let counted = StockChange::To(Stock::new(7).unwrap());
        let mut stored = MockSupplies::new();
        stored
            .expect_adjust()
            .once()
            .withf(move |a, _| a.change == counted && a.adjusted_by == sample::staff().account_id())
            .returning(|_, _| Ok(Idempotent { outcome: sample::supply(), replayed: false }));
        let supplies = Supplies { supplies: Arc::new(stored), ..sample::supplies() };
        let reason = Reason::new("stock-take").unwrap();
        assert!(supplies.adjust(sample::staff(), sample::supply().id, counted, reason, None).await.is_ok());
    }
}
