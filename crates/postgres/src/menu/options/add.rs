use comanda_domain::{
    AccountId, AuditAction, AuditRecord, Idempotency, NewOptionGroup, OptionGroup,
    ports::{AddOptionGroupError, Idempotent},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{
    row::{GroupRow, GroupWithOptions},
    supplies::unknown_of_options,
    write::write_options,
};
use crate::{
    database::{Database, Failure, Named, schema::option_groups},
    idempotency::claim,
    operations::write_record,
};

pub(super) async fn add(
    database: &Database,
    group: NewOptionGroup,
    added_by: AccountId,
    idempotency: Option<Idempotency>,
) -> Result<Idempotent<OptionGroup>, AddOptionGroupError> {
    let currency = database.currency();
    database
        .transaction(async move |connection| {
            let (id, at) = (group.id.as_uuid(), group.added_at);
            let kept = match claim::<GroupWithOptions, _>(connection, idempotency.as_ref(), at).await?.first()? {
                Ok(kept) => kept,
                Err(row) => return Ok(Idempotent { outcome: row.into_group(currency)?, replayed: true }),
            };
            let unknown =
                unknown_of_options(connection, group.options.iter().map(|option| &option.details), &[]).await?;
            if !unknown.is_empty() {
                return Err(Failure(AddOptionGroupError::UnknownSupplies(unknown)));
            }
            let row: GroupRow = diesel::insert_into(option_groups::table)
                .values((
                    option_groups::id.eq(id),
                    option_groups::created_at.eq(at),
                    option_groups::updated_at.eq(at),
                    option_groups::name.eq(group.name.as_str()),
                ))
                .returning(GroupRow::as_returning())
                .get_result(connection)
                .one("option_group.insert")
                .await?;
            let options = write_options(connection, id, &group.options).await?;
            let (action, target) = (AuditAction::OptionGroupAdded, id.to_string());
            let record = AuditRecord { actor: Some(added_by), action, target, reason: None, at };
            write_record(connection, &record).await?;
            let row = GroupWithOptions { group: row, options };
            kept.keep(connection, &row).await?;
            Ok(Idempotent { outcome: row.into_group(currency)?, replayed: false })
        })
        .await
}
