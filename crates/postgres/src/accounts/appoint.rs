use comanda_domain::{
    Account,
    ports::{NewAccount, Unavailable},
};
use diesel::{ExpressionMethods, SelectableHelper};
use diesel_async::RunQueryDsl;

use super::AccountRow;
use crate::database::{Database, Named, schema::users};

pub(super) async fn appoint(database: &Database, account: &NewAccount) -> Result<Account, Unavailable> {
    let row = AccountRow::new(account);
    let mut connection = database.connection().await?;
    diesel::insert_into(users::table)
        .values(&row)
        .on_conflict(users::email)
        .do_update()
        .set((
            users::name.eq(&row.name),
            users::role.eq(&row.role),
            users::password_hash.eq(&row.password_hash),
            users::disabled.eq(false),
        ))
        .returning(AccountRow::as_returning())
        .get_result(&mut *connection)
        .one("account.appoint")
        .await
        .map_err(Unavailable::new)?
        .into_account()
}
