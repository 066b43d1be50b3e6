//! The copy, in this process, of what menu items offer and take of supplies.
//!
//! Orders are decided without reading it again: whoever changes a definition raises the revision of its menu item, and
//! the rows that a batch locks say their revisions.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use comanda_domain::{
    BasketLine, Currency, MenuItemDefinition, MenuItemId, SupplyId,
    ports::{Readable, UnreadableRecord},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    database::{NamedRows, schema::menu_items},
    menu::{Definition, SharedOptions, read_definitions},
};

/// Definitions of menu items.
#[derive(Default)]
pub(in crate::orders) struct Definitions {
    known: HashMap<MenuItemId, Definition>,
    shared: SharedOptions,
}

impl Definitions {
    /// The definitions of all menu items that are not archived.
    pub(super) async fn of_menu(connection: &AsyncPgConnection, currency: Currency) -> QueryResult<Self> {
        let items: Vec<Uuid> = menu_items::table
            .filter(menu_items::archived_at.is_null())
            .select(menu_items::id)
            .load(&mut &*connection)
            .rows("order.place.find_items")
            .await?;
        let mut definitions = Self::default();
        definitions.learn(connection, currency, &items).await?;
        Ok(definitions)
    }

    /// Reads these definitions, anew if they are known.
    pub(in crate::orders) async fn learn(
        &mut self,
        connection: &AsyncPgConnection,
        currency: Currency,
        items: &[Uuid],
    ) -> QueryResult<()> {
        self.known.extend(read_definitions(connection, items, currency, &mut self.shared).await?);
        Ok(())
    }

    /// The supplies that these lines may take something of, in the order of their ids.
    pub(in crate::orders) fn supplies_of<'a>(&self, lines: impl IntoIterator<Item = &'a BasketLine>) -> Vec<Uuid> {
        let mut supplies = BTreeSet::new();
        for line in lines {
            if let Some(Definition { definition: Ok(definition), .. }) = self.known.get(&line.menu_item_id) {
                supplies.extend(definition.supplies_for(&line.selections).map(SupplyId::as_uuid));
            }
        }
        supplies.into_iter().collect()
    }

    /// What the menu item offers and takes at this revision; `None` if the copy is of another one.
    pub(super) fn at_revision(
        &self,
        id: MenuItemId,
        revision: i32,
    ) -> Option<Result<Arc<MenuItemDefinition>, &UnreadableRecord>> {
        let known = self.known.get(&id).filter(|known| known.revision == revision)?;
        let definition: &Readable<_> = &known.definition;
        Some(definition.as_ref().map(Arc::clone))
    }
}
