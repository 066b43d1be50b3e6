use comanda_domain::{
    MenuItem, MenuItemId, Reason, StaffMember, StockDelta,
    ports::{AdjustStockError, StockAdjustment},
};

use super::Menu;

impl Menu {
    /// Records a delivery, a breakage or a correction.
    pub async fn adjust_stock(
        &self,
        by: StaffMember,
        menu_item_id: MenuItemId,
        delta: StockDelta,
        reason: Reason,
    ) -> Result<MenuItem, AdjustStockError> {
        let adjustment = StockAdjustment {
            menu_item_id,
            delta,
            reason,
            adjusted_by: by.account_id(),
            adjusted_at: self.clock.now(),
        };
        self.menu.adjust_stock(adjustment).await
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
            .withf(|a| a.adjusted_by == sample::staff().account_id() && a.reason.as_str() == "breakage")
            .returning(|_| Ok(sample::menu_item()));
        let menu = Menu { menu: Arc::new(stored), ..sample::menu() };
        let (delta, reason) = (StockDelta::new(-2).unwrap(), Reason::new("breakage").unwrap());
        assert!(menu.adjust_stock(sample::staff(), sample::menu_item().id, delta, reason).await.is_ok());
    }
}
