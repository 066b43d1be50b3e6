use comanda_domain::{
    Account,
    ports::{NewAccount, RegisterAccountError, Unavailable},
};
use diesel::{
    SelectableHelper,
    result::{DatabaseErrorKind, Error as DieselError},
};
use diesel_async::RunQueryDsl;

use super::AccountRow;
use crate::database::{Database, Named, schema::users};

pub(super) async fn register(database: &Database, account: &NewAccount) -> Result<Account, RegisterAccountError> {
    let mut connection = database.connection().await?;
    let inserted = diesel::insert_into(users::table)
        .values(AccountRow::new(account))
        .returning(AccountRow::as_returning())
        .get_result(&mut *connection)
        .one("account.register")
        .await;
    match inserted {
        Ok(row) => Ok(row.into_account()?),
        Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Err(RegisterAccountError::EmailTaken),
        Err(error) => Err(Unavailable::new(error).into()),
    }
}
