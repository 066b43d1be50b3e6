//! The menu items that offer a group.

use comanda_domain::{ChoiceBounds, MenuItemId, MenuItemName, Timestamp, ports::UsedBy};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::offers::bounds;
use crate::database::{
    Named, NamedRows,
    schema::{menu_item_option_groups, menu_items},
};

/// A menu item that is not archived, and how it offers the group.
pub(super) struct Offering {
    pub(super) id: Uuid,
    name: String,
    /// `None` if today's rules refuse them.
    bounds: Option<ChoiceBounds>,
}

impl Offering {
    /// Whether those who order it could still choose as many as they have to, of so many options.
    pub(super) fn can_be_met_by(&self, options: usize) -> bool {
        self.bounds.is_none_or(|bounds| bounds.can_be_met_by(options))
    }
}

impl From<&Offering> for UsedBy {
    fn from(offering: &Offering) -> Self {
        Self::MenuItem { id: MenuItemId::new(offering.id), name: MenuItemName::stored(&offering.name) }
    }
}

/// Who offers this group, whose row is locked, so that nobody else begins to.
pub(super) async fn offering(connection: &mut AsyncPgConnection, group: Uuid) -> QueryResult<Vec<Offering>> {
    let rows: Vec<(Uuid, String, i32, i32, i32)> = menu_item_option_groups::table
        .inner_join(menu_items::table)
        .filter(menu_item_option_groups::group_id.eq(group).and(menu_items::archived_at.is_null()))
        .order(menu_items::id)
        .select((
            menu_items::id,
            menu_items::name,
            menu_item_option_groups::min,
            menu_item_option_groups::max,
            menu_item_option_groups::max_each,
        ))
        .load(connection)
        .rows("option_group.offering")
        .await?;
    let offering =
        |(id, name, min, max, max_each)| Offering { id, name, bounds: bounds(id, (min, max, max_each)).ok() };
    Ok(rows.into_iter().map(offering).collect())
}

/// Raises the revision of these menu items, in the order of their ids.
pub(super) async fn raise_revisions(
    connection: &mut AsyncPgConnection,
    items: &[Uuid],
    at: Timestamp,
) -> QueryResult<()> {
    if items.is_empty() {
        return Ok(());
    }
    let locked: Vec<Uuid> = menu_items::table
        .filter(menu_items::id.eq_any(items))
        .order(menu_items::id)
        .select(menu_items::id)
        .for_no_key_update()
        .load(connection)
        .rows("option_group.lock_items")
        .await?;
    diesel::update(menu_items::table.filter(menu_items::id.eq_any(locked)))
        .set((
            menu_items::version.eq(menu_items::version + 1),
            menu_items::revision.eq(menu_items::revision + 1),
            menu_items::updated_at.eq(at),
        ))
        .execute(connection)
        .changes("option_group.raise_revisions")
        .await
        .map(drop)
}
