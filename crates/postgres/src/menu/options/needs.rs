//! What menu items need of supplies, as whoever takes of a supply looks it up.

use comanda_domain::{Currency, MenuItemId, SupplyNeed, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::definitions::{Definition, SharedOptions, read_definitions};
use crate::{
    database::{Named, NamedRows, schema::menu_item_needs},
    stocked::ROWS_AT_A_TIME,
};

/// The supplies that these menu items need.
pub(super) async fn needed_by(connection: &mut AsyncPgConnection, items: &[Uuid]) -> QueryResult<Vec<Uuid>> {
    menu_item_needs::table
        .filter(menu_item_needs::menu_item_id.eq_any(items))
        .select(menu_item_needs::supply_id)
        .load(connection)
        .rows("menu.needed_supplies")
        .await
}

#[derive(Insertable)]
#[diesel(table_name = menu_item_needs)]
struct NeedRow {
    menu_item_id: Uuid,
    supply_id: Uuid,
    least: i32,
    most: i32,
}

impl NeedRow {
    fn of(item: MenuItemId, need: SupplyNeed) -> Self {
        let amount = |amount: u32| i32::try_from(amount).unwrap_or(i32::MAX);
        let (least, most) = (amount(need.least), amount(need.most));
        Self { menu_item_id: item.as_uuid(), supply_id: need.supply_id.as_uuid(), least, most }
    }
}

/// Writes what these menu items need, now that what they take or offer has changed. Their rows are locked, and their
/// supplies kept as they are.
pub(super) async fn write_needs(
    connection: &mut AsyncPgConnection,
    items: &[Uuid],
    currency: Currency,
) -> Result<(), Unavailable> {
    if items.is_empty() {
        return Ok(());
    }
    let definitions =
        read_definitions(connection, items, currency, &mut SharedOptions::default()).await.map_err(Unavailable::new)?;
    // Nothing is shown of what is unreadable.
    let needs_of = |(item, definition): (&MenuItemId, &Definition)| {
        let needs = definition.definition.as_ref().map_or_else(|_| Vec::new(), |definition| definition.needs());
        let item = *item;
        needs.into_iter().map(move |need| NeedRow::of(item, need))
    };
    let mut rows: Vec<NeedRow> = definitions.iter().flat_map(needs_of).collect();
    forget_needs(connection, items).await.map_err(Unavailable::new)?;
    while !rows.is_empty() {
        let some: Vec<NeedRow> = rows.drain(..rows.len().min(ROWS_AT_A_TIME)).collect();
        let inserted = diesel::insert_into(menu_item_needs::table).values(some).execute(connection);
        inserted.changes("menu.write_needs").await.map_err(Unavailable::new)?;
    }
    Ok(())
}

/// Nothing is shown of these menu items any more, or something else.
pub(in crate::menu) async fn forget_needs(connection: &mut AsyncPgConnection, items: &[Uuid]) -> QueryResult<()> {
    diesel::delete(menu_item_needs::table.filter(menu_item_needs::menu_item_id.eq_any(items)))
        .execute(connection)
        .changes("menu.forget_needs")
        .await
        .map(drop)
}
