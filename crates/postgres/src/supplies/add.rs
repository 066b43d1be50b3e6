use comanda_domain::{
    AccountId, AuditAction, AuditRecord, Idempotency, NewSupply, Supply,
    ports::{AddSupplyError, Idempotent},
};
use diesel::SelectableHelper;
use diesel_async::RunQueryDsl;

use super::row::{NewSupplyRow, SupplyRow};
use crate::{
    database::{Database, Failure, Named, schema::supplies},
    idempotency::claim,
    operations::write_record,
    stocked::{SupplyLedgerEntry, is_name_taken, quantity},
};

pub(super) async fn add(
    database: &Database,
    supply: NewSupply,
    added_by: AccountId,
    idempotency: Option<Idempotency>,
) -> Result<Idempotent<Supply>, AddSupplyError> {
    database
        .transaction(async move |connection| {
            let (id, at) = (supply.id.as_uuid(), supply.added_at);
            let kept = match claim::<SupplyRow, _>(connection, idempotency.as_ref(), at).await?.first()? {
                Ok(kept) => kept,
                Err(row) => return Ok(Idempotent { outcome: row.into_supply()?, replayed: true }),
            };
            let inserted = diesel::insert_into(supplies::table)
                .values(NewSupplyRow::of(&supply))
                .returning(SupplyRow::as_returning())
                .get_result(connection)
                .one("supply.insert")
                .await;
            let row = match inserted {
                Err(error) if is_name_taken(&error) => return Err(Failure(AddSupplyError::NameTaken)),
                inserted => inserted?,
            };
            let stock = quantity(supply.stock);
            if stock > 0 {
                SupplyLedgerEntry::new(id, Some(added_by), at, stock, "first stock").write(connection).await?;
            }
            let (action, target) = (AuditAction::SupplyAdded, id.to_string());
            let record = AuditRecord { actor: Some(added_by), action, target, reason: None, at };
            write_record(connection, &record).await?;
            kept.keep(connection, &row).await?;
            Ok(Idempotent { outcome: row.into_supply()?, replayed: false })
        })
        .await
}
