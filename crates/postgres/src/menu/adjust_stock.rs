use comanda_domain::{
    AuditAction, AuditRecord, Idempotency, MenuItem, NotCounted,
    ports::{AdjustStockError, Idempotent, StockAdjustment},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{read_row::read_row, row::MenuItemRow, version::raise_menu_version};
use crate::{
    database::{Database, Named, schema::menu_items},
    idempotency::claim,
    operations::write_record,
    stocked::{LedgerEntry, Setback, quantity, write},
};

pub(super) async fn adjust_stock(
    database: &Database,
    adjustment: StockAdjustment,
    idempotency: Option<Idempotency>,
) -> Result<Idempotent<MenuItem>, AdjustStockError> {
    let currency = database.currency();
    write(database, async move |(connection, mode)| {
        let claimed = claim::<MenuItemRow, _>(connection, idempotency.as_ref(), adjustment.adjusted_at).await?;
        let kept = match claimed.first()? {
            Ok(kept) => kept,
            Err(row) => return Ok(Idempotent { outcome: row.into_item(currency)?, replayed: true }),
        };
        let row =
            read_row(connection, adjustment.of, mode).await?.ok_or(Setback::Refused(AdjustStockError::NotFound))?;
        let before = row.clone().into_item(currency)?;
        let available = before.on_hand().ok_or(Setback::Refused(NotCounted.into()))?;
        let stock = adjustment.change.apply_to(available).map_err(|refused| Setback::Refused(refused.into()))?;

        let row = diesel::update(menu_items::table)
            .filter(menu_items::id.eq(row.id).and(menu_items::version.eq(row.version)))
            .set((menu_items::version.eq(row.version + 1), menu_items::stock.eq(quantity(stock))))
            .returning(MenuItemRow::as_returning())
            .get_result(connection)
            .one("menu.adjust_stock")
            .await
            .optional()?
            .ok_or(Setback::Conflict)?;
        let after = row.clone().into_item(currency)?;
        let StockAdjustment { adjusted_by, adjusted_at, change, reason, .. } = adjustment;
        LedgerEntry::new(row.id, Some(adjusted_by), adjusted_at, change.get(), reason.as_str())
            .write(connection)
            .await?;
        let record = AuditRecord {
            actor: Some(adjusted_by),
            action: AuditAction::StockAdjusted,
            target: adjustment.of.to_string(),
            reason: Some(reason),
            at: adjusted_at,
        };
        write_record(connection, &record).await?;
        if before.availability() != after.availability() {
            raise_menu_version(connection).await?;
        }
        kept.keep(connection, &row).await?;
        Ok(Idempotent { outcome: after, replayed: false })
    })
    .await
}
