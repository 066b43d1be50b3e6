//! The supplies that recipes and options name.

use std::collections::{BTreeSet, HashSet};

use comanda_domain::{MenuItemId, MenuItemName, OptionDetails, OptionId, OptionName, Recipe, SupplyId, ports::UsedBy};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::needs::needed_by;
use crate::database::{
    NamedRows,
    schema::{menu_items, menu_options, recipe_ingredients, supplies},
};

/// The positions of the options that name a supply which does not exist, or is archived. The others are kept as they
/// are until the end of the transaction, and so is what these menu items, whose rows are locked, need already: from
/// being archived, and from being taken of, too. Otherwise an order could leave too little for what is only now said to
/// take of it, and neither would say that the menu shows something else.
pub(super) async fn unknown_of_options(
    connection: &mut AsyncPgConnection,
    options: impl IntoIterator<Item = &OptionDetails> + Send,
    items: &[Uuid],
) -> QueryResult<Vec<usize>> {
    let named: Vec<Option<Uuid>> =
        options.into_iter().map(|details| details.supply.map(|supply| supply.supply_id.as_uuid())).collect();
    unknown(connection, named, items).await
}

/// The same, of the ingredients of a recipe.
pub(super) async fn unknown_of_recipe(
    connection: &mut AsyncPgConnection,
    recipe: &Recipe,
    items: &[Uuid],
) -> QueryResult<Vec<usize>> {
    let named = recipe.ingredients().iter().map(|ingredient| Some(ingredient.supply_id.as_uuid())).collect();
    unknown(connection, named, items).await
}

async fn unknown(
    connection: &mut AsyncPgConnection,
    named: Vec<Option<Uuid>>,
    items: &[Uuid],
) -> QueryResult<Vec<usize>> {
    let mut ids: BTreeSet<Uuid> = named.iter().flatten().copied().collect();
    if !items.is_empty() {
        ids.extend(needed_by(connection, items).await?);
    }
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let known: Vec<Uuid> = supplies::table
        .filter(supplies::id.eq_any(ids).and(supplies::archived_at.is_null()))
        .order(supplies::id)
        .select(supplies::id)
        .for_share()
        .load(connection)
        .rows("supply.keep")
        .await?;
    let known: HashSet<Uuid> = known.into_iter().collect();
    let is_unknown = |id: &Option<Uuid>| id.is_some_and(|id| !known.contains(&id));
    Ok(named.iter().enumerate().filter(|(_, id)| is_unknown(id)).map(|(at, _)| at).collect())
}

/// What uses a supply: menu items by their recipes, and options. None of it is archived.
pub(crate) async fn users_of_supply(connection: &mut AsyncPgConnection, id: SupplyId) -> QueryResult<Vec<UsedBy>> {
    let items: Vec<(Uuid, String)> = recipe_ingredients::table
        .inner_join(menu_items::table)
        .filter(recipe_ingredients::supply_id.eq(id.as_uuid()).and(menu_items::archived_at.is_null()))
        .order(menu_items::id)
        .select((menu_items::id, menu_items::name))
        .load(connection)
        .rows("supply.recipes")
        .await?;
    let options: Vec<(Uuid, String)> = menu_options::table
        .filter(menu_options::supply_id.eq(id.as_uuid()).and(menu_options::archived_at.is_null()))
        .order(menu_options::id)
        .select((menu_options::id, menu_options::name))
        .load(connection)
        .rows("supply.options")
        .await?;
    let items = items
        .into_iter()
        .map(|(id, name)| UsedBy::MenuItem { id: MenuItemId::new(id), name: MenuItemName::stored(&name) });
    let options =
        options.into_iter().map(|(id, name)| UsedBy::Option { id: OptionId::new(id), name: OptionName::stored(&name) });
    Ok(items.chain(options).collect())
}
