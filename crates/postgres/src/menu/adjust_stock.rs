use comanda_domain::{
    AuditAction, AuditRecord, Currency, Idempotency, MenuItem, NotCounted, StockedDefinition,
    ports::{AdjustStockError, Idempotent, Readable, StockAdjustment},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};

use super::{KeptDefinition, read_row::read_row, row::MenuItemRow, version::raise_menu_version, with_definition};
use crate::{
    database::{Database, Named, RowOf, schema::menu_items},
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
        let claimed = claim::<Adjusted, _>(connection, idempotency.as_ref(), adjustment.adjusted_at).await?;
        let kept = match claimed.first()? {
            Ok(kept) => kept,
            Err(adjusted) => return Ok(Idempotent { outcome: adjusted.into_item(currency)?, replayed: true }),
        };
        let row =
            read_row(connection, adjustment.of, mode).await?.ok_or(Setback::Refused(AdjustStockError::NotFound))?;
        let before = row.stock()?.ok_or(Setback::Refused(NotCounted.into()))?;
        let stock = adjustment.change.apply_to(before.on_hand.get());
        let stock = stock.map_err(|refused| Setback::Refused(refused.into()))?;

        let row = diesel::update(menu_items::table)
            .filter(menu_items::id.eq(row.id).and(menu_items::version.eq(row.version)))
            .set((menu_items::version.eq(row.version + 1), menu_items::stock.eq(quantity(stock))))
            .returning(MenuItemRow::as_returning())
            .get_result(connection)
            .one("menu.adjust_stock")
            .await
            .optional()?
            .ok_or(Setback::Conflict)?;
        let after = row.stock()?.unwrap_or(before);
        let item = with_definition(connection, row.clone(), currency).await?;
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
        kept.keep(connection, &Adjusted { row, definition: Some(KeptDefinition::from(&item.definition)) }).await?;
        Ok(Idempotent { outcome: item, replayed: false })
    })
    .await
}

/// What a key stands for: the menu item as it was.
#[derive(Serialize, Deserialize)]
struct Adjusted {
    #[serde(flatten)]
    row: MenuItemRow,
    /// Servers of the release before keep none: for them, there is nothing to choose.
    #[serde(default)]
    definition: Option<KeptDefinition>,
}

impl Adjusted {
    fn into_item(self, currency: Currency) -> Readable<MenuItem> {
        let row = RowOf { table: "idempotency_keys", id: self.row.id };
        let definition = match self.definition {
            Some(kept) => row.read("outcome", kept.read(currency))?,
            None => StockedDefinition::default(),
        };
        self.row.into_item(definition, currency)
    }
}
