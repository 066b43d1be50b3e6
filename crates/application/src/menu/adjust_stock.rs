use std::sync::Arc;

use comanda_domain::{
    account::StaffMember,
    ids::MenuItemId,
    menu_item::MenuItem,
    ports::{AdjustStockError, Clock, Menu, StockAdjustment},
    stock::StockDelta,
    text::Reason,
};

/// Enters a delivery, a breakage or a correction.
pub struct AdjustStock {
    menu: Arc<dyn Menu>,
    clock: Arc<dyn Clock>,
}

impl AdjustStock {
    pub fn new(menu: Arc<dyn Menu>, clock: Arc<dyn Clock>) -> Self {
        Self { menu, clock }
    }

    pub async fn execute(
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
    use comanda_domain::ports::MockMenu;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn the_ledger_learns_who_and_why() {
        let mut menu = MockMenu::new();
        menu.expect_adjust_stock()
            .once()
            .withf(|a| a.adjusted_by == sample::staff().account_id() && a.reason.as_str() == "breakage")
            .returning(|_| Err(AdjustStockError::InsufficientStock { available: 1 }));
        let adjust = AdjustStock::new(Arc::new(menu), sample::clock());
        let delta = StockDelta::new(-2).unwrap();
        let reason = Reason::new("breakage").unwrap();
        let answer = adjust.execute(sample::staff(), sample::menu_item().id, delta, reason).await;
        assert!(matches!(answer, Err(AdjustStockError::InsufficientStock { available: 1 })));
    }
}
