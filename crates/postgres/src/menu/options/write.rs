use comanda_domain::MenuOption;
use diesel::{prelude::*, upsert::excluded};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::row::OptionRow;
use crate::database::{Named, schema::menu_options};

/// Writes options of a group, those that it has already and new ones.
pub(super) async fn write_options(
    connection: &mut AsyncPgConnection,
    group: Uuid,
    options: &[MenuOption],
) -> QueryResult<Vec<OptionRow>> {
    let rows: Vec<OptionRow> =
        options.iter().enumerate().map(|(position, option)| OptionRow::of(group, position, option)).collect();
    if !rows.is_empty() {
        diesel::insert_into(menu_options::table)
            .values(&rows)
            .on_conflict(menu_options::id)
            .do_update()
            .set((
                menu_options::price.eq(excluded(menu_options::price)),
                menu_options::position.eq(excluded(menu_options::position)),
                menu_options::supply_id.eq(excluded(menu_options::supply_id)),
                menu_options::supply_amount.eq(excluded(menu_options::supply_amount)),
                menu_options::name.eq(excluded(menu_options::name)),
                menu_options::allergens.eq(excluded(menu_options::allergens)),
            ))
            .execute(connection)
            .changes("option_group.write_options")
            .await?;
    }
    Ok(rows)
}
