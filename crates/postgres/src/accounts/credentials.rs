use comanda_domain::{
    Email,
    ports::{Credentials, Unavailable},
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{AccountRow, place_among};
use crate::database::{Database, Named, schema::users};

pub(super) async fn credentials(database: &Database, email: &Email) -> Result<Option<Credentials>, Unavailable> {
    let mut connection = database.connection().await?;
    let spellings = email.spellings();
    let row = users::table
        .filter(users::email.eq_any(&spellings))
        .order(place_among(&spellings, users::email))
        .select(AccountRow::as_select())
        .first(&mut *connection)
        .one("account.credentials")
        .await
        .optional()
        .map_err(Unavailable::new)?;
    Ok(row.map(AccountRow::into_credentials).transpose()?)
}
