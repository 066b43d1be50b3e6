use comanda_domain::{
    AuditAction, AuditRecord, Idempotency, Supply,
    ports::{AdjustSupplyError, Idempotent, SupplyAdjustment},
};
use diesel::OptionalExtension;

use super::row::{Changes, SupplyRow};
use crate::{
    database::{Database, Named},
    idempotency::claim,
    menu::raise_menu_version_for_supplies,
    operations::write_record,
    stocked::{Setback, SupplyLedgerEntry, quantity, write},
};

/// What was counted replaces the stock that was read, and is written only while that is still the stock: so the ledger
/// gets exactly the difference, whatever is sold meanwhile.
pub(super) async fn adjust(
    database: &Database,
    adjustment: SupplyAdjustment,
    idempotency: Option<Idempotency>,
) -> Result<Idempotent<Supply>, AdjustSupplyError> {
    write(database, async move |(connection, mode)| {
        let SupplyAdjustment { of: id, change, reason, adjusted_by, adjusted_at: at } = adjustment;
        let kept = match claim::<SupplyRow, _>(connection, idempotency.as_ref(), at).await?.first()? {
            Ok(kept) => kept,
            Err(row) => return Ok(Idempotent { outcome: row.into_supply()?, replayed: true }),
        };
        let row = SupplyRow::read(connection, id, mode).await?;
        let mut row = row.ok_or(Setback::Refused(AdjustSupplyError::NotFound))?;
        let before = row.clone().into_supply()?;
        let after = change.apply_to(before.stock);
        let after = after.map_err(|why| Setback::Refused(AdjustSupplyError::refused(before, why)))?;
        let (stock, delta) = (Some(quantity(after)), quantity(after) - row.stock);
        if delta != 0 {
            let changes = Changes { stock, ..Changes::default() };
            let read = row.clone();
            row = row.write(changes, connection).one("supply.adjust").await.optional()?.ok_or(Setback::Conflict)?;
            let entry = SupplyLedgerEntry::new(row.id, Some(adjusted_by), at, delta, reason.as_str());
            entry.write(connection).await?;
            let (action, target) = (AuditAction::SupplyAdjusted, id.to_string());
            let record = AuditRecord { actor: Some(adjusted_by), action, target, reason: Some(reason), at };
            write_record(connection, &record).await?;
            raise_menu_version_for_supplies(connection, [read.change_to(&row)]).await?;
        }
        kept.keep(connection, &row).await?;
        Ok(Idempotent { outcome: row.into_supply()?, replayed: false })
    })
    .await
}
