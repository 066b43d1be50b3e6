use comanda_domain::{Account, AccountChange, AccountId, Timestamp, ports::ChangeAccountError};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::AccountRow;
use crate::{
    database::{Database, Failure, Named, schema::users},
    operations::write_record,
};

pub(super) async fn change(
    database: &Database,
    id: AccountId,
    change: AccountChange,
    by: AccountId,
    at: Timestamp,
) -> Result<Account, ChangeAccountError> {
    database
        .transaction(async move |connection| {
            let before = users::table
                .find(id.as_uuid())
                .select(AccountRow::as_select())
                .for_no_key_update()
                .first(connection)
                .one("account.lock")
                .await
                .optional()?
                .ok_or(Failure(ChangeAccountError::NotFound))?
                .into_account()?;
            for record in change.audit_records(&before, by, at) {
                write_record(connection, &record).await?;
            }
            let after = change.apply_to(before);
            let row: AccountRow = diesel::update(users::table.find(id.as_uuid()))
                .set((users::role.eq(after.role.as_str()), users::disabled.eq(after.disabled)))
                .returning(AccountRow::as_returning())
                .get_result(connection)
                .one("account.change")
                .await?;
            Ok(row.into_account()?)
        })
        .await
}
