use comanda_domain::{
    MailKind, Timestamp, appointment_record,
    ports::{ChangedAccount, ExistingAccount, NewAccount, RegisterAccountError},
};
use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error as DieselError},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{AccountRow, place_among};
use crate::{
    database::{Database, Failure, Named, schema::users},
    mails::record,
    operations::write_record,
    sessions::write_close_all_but,
};

pub(super) async fn appoint(
    database: &Database,
    account: NewAccount,
    existing: ExistingAccount,
) -> Result<ChangedAccount, RegisterAccountError> {
    database
        .transaction(async move |connection| {
            let spellings = account.email.spellings();
            let before = users::table
                .filter(users::email.eq_any(&spellings))
                .order(place_among(&spellings, users::email))
                .select(AccountRow::as_select())
                .for_no_key_update()
                .first(connection)
                .one("account.lock_by_email")
                .await
                .optional()?;
            let role = before.as_ref().map(AccountRow::role).transpose()?;
            let changed = match (before, existing) {
                (None, _) => open(connection, &account).await?,
                (Some(_), ExistingAccount::Refused) => return Err(Failure(RegisterAccountError::EmailTaken)),
                (Some(row), ExistingAccount::Appointed) => {
                    promote(connection, row, &account, account.created_at).await?
                }
            };
            let audit_record = appointment_record(changed.account.id, role, account.created_at);
            write_record(connection, &audit_record).await?;
            Ok(changed)
        })
        .await
}

async fn open(
    connection: &mut AsyncPgConnection,
    account: &NewAccount,
) -> Result<ChangedAccount, Failure<RegisterAccountError>> {
    let inserted = diesel::insert_into(users::table)
        .values(AccountRow::new(account))
        .returning(AccountRow::as_returning())
        .get_result(connection)
        .one("account.register")
        .await;
    match inserted {
        Ok(row) => Ok(ChangedAccount { account: row.into_account()?, ended: Vec::new() }),
        // Somebody has registered the address since it was looked for.
        Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {
            Err(Failure(RegisterAccountError::EmailTaken))
        }
        Err(error) => Err(error.into()),
    }
}

/// The name stays: the operator may not know what the account's owner wants to be called.
async fn promote(
    connection: &mut AsyncPgConnection,
    before: AccountRow,
    account: &NewAccount,
    at: Timestamp,
) -> Result<ChangedAccount, Failure<RegisterAccountError>> {
    let row: AccountRow = diesel::update(users::table.find(before.id))
        .set((
            users::role.eq(account.role.as_str()),
            users::password_hash.eq(account.password_hash.expose()),
            users::disabled.eq(false),
            users::credentials_version.eq(users::credentials_version + 1),
        ))
        .returning(AccountRow::as_returning())
        .get_result(connection)
        .one("account.appoint")
        .await?;
    let account = row.into_account()?;
    for kind in [MailKind::PasswordChanged, MailKind::AdminAppointed] {
        record(connection, kind, Some(account.id), &account.email, at).await?;
    }
    let ended = write_close_all_but(connection, account.id, None, at).await?;
    Ok(ChangedAccount { account, ended })
}
