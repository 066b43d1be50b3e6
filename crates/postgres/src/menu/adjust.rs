use comanda_domain::{
    audit::{AuditAction, AuditRecord},
    menu_item::MenuItem,
    ports::{AdjustStockError, StockAdjustment},
    stock::Stock,
};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use super::{
    PostgresMenu,
    conditional_write::{ReadMode, Setback, decided, read_row},
    row::{LedgerEntry, MenuItemRow},
    version::raise_menu_version,
};
use crate::{
    audit_log::write_record,
    database::{
        Named,
        schema::{menu_items, stock_adjustments},
    },
};

type AdjustSetback = Setback<AdjustStockError>;

impl PostgresMenu {
    pub(super) async fn adjust(&self, adjustment: StockAdjustment) -> Result<MenuItem, AdjustStockError> {
        let mut connection = self.database.connection().await?;
        let mut mode = ReadMode::Unlocked;
        loop {
            let attempt =
                connection.transaction(async |connection| self.adjust_once(connection, &adjustment, mode).await).await;
            if let Some(item) = decided(attempt)? {
                return Ok(item);
            }
            mode = ReadMode::Locked;
        }
    }

    async fn adjust_once(
        &self,
        connection: &mut AsyncPgConnection,
        adjustment: &StockAdjustment,
        mode: ReadMode,
    ) -> Result<MenuItem, AdjustSetback> {
        let row = read_row(connection, adjustment.menu_item_id, mode)
            .await?
            .ok_or(AdjustSetback::Refused(AdjustStockError::NotFound))?;
        let before = row.clone().into_item(self.currency)?;
        let stock = i64::from(row.stock) + i64::from(adjustment.delta.get());
        if stock < 0 {
            return Err(AdjustSetback::Refused(AdjustStockError::InsufficientStock { available: before.stock }));
        }
        let stock = match i32::try_from(stock) {
            Ok(quantity) if stock <= Stock::MAX => quantity,
            _ => return Err(AdjustSetback::Refused(AdjustStockError::TooMuch)),
        };

        let after = diesel::update(menu_items::table)
            .filter(menu_items::id.eq(row.id).and(menu_items::version.eq(row.version)))
            .set((menu_items::version.eq(row.version + 1), menu_items::stock.eq(stock)))
            .returning(MenuItemRow::as_returning())
            .get_result(connection)
            .one("menu.adjust_stock")
            .await
            .optional()?
            .ok_or(AdjustSetback::Conflict)?
            .into_item(self.currency)?;
        let entry = LedgerEntry::new(
            row.id,
            Some(adjustment.adjusted_by),
            adjustment.adjusted_at,
            adjustment.delta.get(),
            adjustment.reason.as_str(),
        );
        diesel::insert_into(stock_adjustments::table)
            .values(entry)
            .execute(connection)
            .changes("menu.insert_adjustment")
            .await?;
        let record = AuditRecord {
            actor: Some(adjustment.adjusted_by),
            action: AuditAction::StockAdjusted,
            target: adjustment.menu_item_id.to_string(),
            reason: Some(adjustment.reason.clone()),
            at: adjustment.adjusted_at,
        };
        write_record(connection, &record).await?;
        if before.availability() != after.availability() {
            raise_menu_version(connection).await?;
        }
        Ok(after)
    }
}
