//! What menu items offer and take, as orders are decided by it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use comanda_domain::{
    Currency, MenuItemDefinition, MenuItemId, MenuOption, OfferedGroup, OfferedOption, OptionDetails, OptionGroupId,
    OptionGroupName, Recipe, ports::Readable,
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{
    offers::{bounds, own_price},
    recipes::ingredient,
    row::OptionRow,
};
use crate::database::{
    NamedRows,
    schema::{
        menu_item_option_groups, menu_item_option_prices, menu_items, menu_options, option_groups, recipe_ingredients,
    },
};

/// A definition, and the revision of the menu item that it belongs to.
pub(crate) struct Definition {
    pub(crate) revision: i32,
    pub(crate) definition: Readable<Arc<MenuItemDefinition>>,
}

/// The options of groups, each at one revision of the group: so that menu items share them that offer the same group,
/// whenever their definitions were read.
#[derive(Default)]
pub(crate) struct SharedOptions(HashMap<Uuid, (i32, ReadOptions)>);

/// The options of a group, with their own prices.
type ReadOptions = Readable<Arc<[OfferedOption]>>;

/// Reads the definitions of those menu items among these that exist.
///
/// Revisions are read first, each table by a statement of its own: whoever changes a definition meanwhile raises the
/// revision in the same transaction. So a definition that was read half before and half after, or after altogether,
/// has a revision that is not the menu item's any more.
pub(crate) async fn read_definitions(
    mut connection: &AsyncPgConnection,
    items: &[Uuid],
    currency: Currency,
    shared: &mut SharedOptions,
) -> QueryResult<HashMap<MenuItemId, Definition>> {
    let revisions: Vec<(Uuid, i32)> = menu_items::table
        .filter(menu_items::id.eq_any(items))
        .select((menu_items::id, menu_items::revision))
        .load(&mut connection)
        .rows("definition.revisions")
        .await?;
    // Sorted here, so that PostgreSQL chooses no plan for the sake of an order.
    let mut ingredients: Vec<(Uuid, i32, Uuid, i32)> = recipe_ingredients::table
        .filter(recipe_ingredients::menu_item_id.eq_any(items))
        .select((
            recipe_ingredients::menu_item_id,
            recipe_ingredients::position,
            recipe_ingredients::supply_id,
            recipe_ingredients::amount,
        ))
        .load(&mut connection)
        .rows("definition.recipes")
        .await?;
    ingredients.sort_by_key(|(item, position, ..)| (*item, *position));
    let mut offers: Vec<OfferRow> = menu_item_option_groups::table
        .filter(menu_item_option_groups::menu_item_id.eq_any(items))
        .select((
            menu_item_option_groups::menu_item_id,
            menu_item_option_groups::position,
            menu_item_option_groups::group_id,
            (menu_item_option_groups::min, menu_item_option_groups::max, menu_item_option_groups::max_each),
        ))
        .load(&mut connection)
        .rows("definition.offers")
        .await?;
    offers.sort_by_key(|(item, position, ..)| (*item, *position));
    let groups: BTreeSet<Uuid> = offers.iter().map(|(_, _, group, _)| *group).collect();
    let mut rows = Rows::new(ingredients, offers);
    if !groups.is_empty() {
        // Before their options: those are of this revision, or the group has another one by now.
        let names: Vec<(Uuid, (i32, String))> = option_groups::table
            .filter(option_groups::id.eq_any(&groups))
            .select((option_groups::id, (option_groups::revision, option_groups::name)))
            .load(&mut connection)
            .rows("definition.groups")
            .await?;
        let mut options: Vec<OptionRow> = menu_options::table
            .filter(menu_options::group_id.eq_any(groups).and(menu_options::archived_at.is_null()))
            .select(OptionRow::as_select())
            .load(&mut connection)
            .rows("definition.options")
            .await?;
        options.sort_by_key(|option| option.position);
        let prices: Vec<(Uuid, Uuid, i64)> = menu_item_option_prices::table
            .filter(menu_item_option_prices::menu_item_id.eq_any(items))
            .select((
                menu_item_option_prices::menu_item_id,
                menu_item_option_prices::option_id,
                menu_item_option_prices::price,
            ))
            .load(&mut connection)
            .rows("definition.prices")
            .await?;
        rows.add(names, options, prices);
    }
    let definition = |(item, revision): (Uuid, i32)| {
        let definition = rows.definition(item, currency, shared).map(Arc::new);
        (MenuItemId::new(item), Definition { revision, definition })
    };
    Ok(revisions.into_iter().map(definition).collect())
}

/// A menu item, the position of a group that it offers, the group, and the bounds.
type OfferRow = (Uuid, i32, Uuid, (i32, i32, i32));

/// What was read, by what it belongs to.
#[derive(Default)]
struct Rows {
    ingredients: HashMap<Uuid, Vec<(Uuid, i32)>>,
    offers: HashMap<Uuid, Vec<OfferRow>>,
    /// The revision and the name of each group.
    names: HashMap<Uuid, (i32, String)>,
    options: HashMap<Uuid, Vec<OptionRow>>,
    /// By menu item and option.
    prices: HashMap<(Uuid, Uuid), i64>,
}

impl Rows {
    fn new(ingredients: Vec<(Uuid, i32, Uuid, i32)>, offers: Vec<OfferRow>) -> Self {
        let mut rows = Self::default();
        for (item, _, supply, amount) in ingredients {
            rows.ingredients.entry(item).or_default().push((supply, amount));
        }
        for offer in offers {
            rows.offers.entry(offer.0).or_default().push(offer);
        }
        rows
    }

    fn add(&mut self, names: Vec<(Uuid, (i32, String))>, options: Vec<OptionRow>, prices: Vec<(Uuid, Uuid, i64)>) {
        self.names.extend(names);
        for option in options {
            self.options.entry(option.group_id).or_default().push(option);
        }
        self.prices.extend(prices.into_iter().map(|(item, option, price)| ((item, option), price)));
    }

    fn definition(&self, item: Uuid, currency: Currency, shared: &mut SharedOptions) -> Readable<MenuItemDefinition> {
        let ingredients = self.ingredients.get(&item).map_or(&[][..], Vec::as_slice);
        let ingredients = ingredients.iter().map(|row| ingredient(item, *row));
        let recipe = Recipe::stored(ingredients.collect::<Readable<_>>()?);
        let offers = self.offers.get(&item).map_or(&[][..], Vec::as_slice);
        let groups = offers.iter().map(|offer| self.group(offer, currency, shared)).collect::<Readable<_>>()?;
        Ok(MenuItemDefinition::new(recipe, groups))
    }

    fn group(
        &self,
        (item, _, group, limits): &OfferRow,
        currency: Currency,
        shared: &mut SharedOptions,
    ) -> Readable<OfferedGroup> {
        let rows = self.options.get(group).map_or(&[][..], Vec::as_slice);
        let (revision, name) = self.names.get(group).map_or((0, ""), |(revision, name)| (*revision, name.as_str()));
        let options = match rows.iter().any(|row| self.prices.contains_key(&(*item, row.id))) {
            true => self.options(*item, rows, currency)?,
            false => match shared.0.get(group) {
                Some((known, options)) if *known == revision => options.clone()?,
                _ => {
                    let options = self.options(*item, rows, currency);
                    shared.0.insert(*group, (revision, options.clone()));
                    options?
                }
            },
        };
        Ok(OfferedGroup {
            id: OptionGroupId::new(*group),
            name: OptionGroupName::stored(name),
            bounds: bounds(*item, *limits)?,
            options,
        })
    }

    /// These options, at the prices that the menu item has for them.
    fn options(&self, item: Uuid, rows: &[OptionRow], currency: Currency) -> Readable<Arc<[OfferedOption]>> {
        let option = |row: &OptionRow| -> Readable<OfferedOption> {
            let MenuOption { id, details } = row.clone().into_option(currency)?;
            let OptionDetails { name, price, allergens, supply } = details;
            let price = match self.prices.get(&(item, row.id)) {
                Some(own) => own_price(item, *own, currency)?,
                None => price,
            };
            Ok(OfferedOption { id, name, price, allergens, supply })
        };
        rows.iter().map(option).collect()
    }
}
