use comanda_domain::ports::Unavailable;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::database::{Database, Named, schema::menu_version};

pub(super) async fn version(database: &Database) -> Result<u64, Unavailable> {
    let mut connection = database.read_connection().await?;
    let version: i64 = menu_version::table
        .select(menu_version::version)
        .first(&mut *connection)
        .one("menu.version")
        .await
        .map_err(Unavailable::new)?;
    u64::try_from(version).map_err(Unavailable::new)
}
