use comanda_domain::{
    MenuItem, MenuItemId, Reason, StaffMember, StockDelta,
    ports::{AdjustStockError, Idempotent, StockAdjustment},
};

use super::Menu;
use crate::IdempotentRequest;

impl Menu {
    /// Records a delivery, a breakage or a correction.
    pub async fn adjust_stock(
        &self,
        by: StaffMember,
        menu_item_id: MenuItemId,
        delta: StockDelta,
        reason: Reason,
        request: Option<IdempotentRequest>,
    ) -> Result<Idempotent<MenuItem>, AdjustStockError> {
        let adjustment = StockAdjustment {
            of: menu_item_id,
            change: delta,
            reason,
            adjusted_by: by.account_id(),
            adjusted_at: self.clock.now(),
        };
        let idempotency = request.map(|request| request.by(by.account_id()));
        self.menu.adjust_stock(adjustment, idempotency).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::ports::MockMenu;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn the_ledger_records_who_and_why() {
        let mut stored = MockMenu::new();
        stored
            .expect_adjust_stock()
            .once()
            .withf(|a, _| a.adjusted_by == sample::staff().account_id() && a.reason.as_str() == "breakage")
            .returning(|_, _| Ok(Idempotent { outcome: sample::menu_item(), replayed: false }));
        let menu = Menu { menu: Arc::new(stored), ..sample::menu() };
        let (delta, reason) = (StockDelta::new(-2).unwrap(), Reason::new("breakage").unwrap());
        assert!(menu.adjust_stock(sample::staff(), sample::menu_item().id, delta, reason, None).await.is_ok());
    }
}
