use comanda_domain::{
    Email,
    ports::{Credentials, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::AccountRow;
use crate::database::{Database, Named, schema::users};

pub(super) async fn credentials(database: &Database, email: &Email) -> Result<Option<Credentials>, Unavailable> {
    let mut connection = database.connection().await?;
    let row = users::table
        // The one form comes first, should another server have stored both.
        .filter(users::email.eq_any(email.spellings()))
        .order(users::email.eq(email.as_str()).desc())
        .select(AccountRow::as_select())
        .first(&mut *connection)
        .one("account.credentials")
        .await
        .optional()
        .map_err(Unavailable::new)?;
    Ok(row.map(AccountRow::into_credentials).transpose()?)
}
