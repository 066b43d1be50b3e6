use comanda_domain::ports::{SupplyListing, Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::row::SupplyRow;
use crate::database::{Database, NamedRows, schema::supplies};

pub(super) async fn listing(database: &Database) -> Result<SupplyListing, Unavailable> {
    let rows: Vec<SupplyRow> = supplies::table
        .filter(supplies::archived_at.is_null())
        .order((supplies::name, supplies::id))
        .select(SupplyRow::as_select())
        .load(&mut *database.read_connection().await?)
        .rows("supply.listing")
        .await
        .map_err(Unavailable::new)?;
    let mut listing = SupplyListing::default();
    for supply in rows.into_iter().map(SupplyRow::into_supply) {
        match supply {
            Ok(supply) => listing.supplies.push(supply),
            Err(record) => listing.unreadable.push(record),
        }
    }
    Ok(listing)
}
