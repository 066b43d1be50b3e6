//! What menu items offer.

use std::collections::HashMap;

use comanda_domain::{
    ChoiceBounds, ChoiceBoundsError, Currency, GroupOffer, GroupOffers, OptionGroupId, OptionId, OptionPrice, Price,
    ports::{Readable, Unavailable},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::database::{
    Named, NamedRows, RowOf,
    schema::{menu_item_option_groups, menu_item_option_prices},
};

/// The stored bounds of an offer of this menu item.
pub(super) fn bounds(item: Uuid, (min, max, max_each): (i32, i32, i32)) -> Readable<ChoiceBounds> {
    let row = RowOf { table: "menu_item_option_groups", id: item };
    let refused =
        |errors: Vec<ChoiceBoundsError>| errors.as_slice().first().map_or_else(String::new, ToString::to_string);
    row.read("min", ChoiceBounds::new(min.into(), max.into(), max_each.into()).map_err(refused))
}

/// A stored price of this menu item for an option.
pub(super) fn own_price(item: Uuid, price: i64, currency: Currency) -> Readable<Price> {
    RowOf { table: "menu_item_option_prices", id: item }.read("price", Price::new(price, currency))
}

/// What a menu item offers.
pub(super) async fn read_offers(
    connection: &mut AsyncPgConnection,
    item: Uuid,
    currency: Currency,
) -> Result<GroupOffers, Unavailable> {
    let offers: Vec<(Uuid, i32, i32, i32)> = menu_item_option_groups::table
        .filter(menu_item_option_groups::menu_item_id.eq(item))
        .order(menu_item_option_groups::position)
        .select((
            menu_item_option_groups::group_id,
            menu_item_option_groups::min,
            menu_item_option_groups::max,
            menu_item_option_groups::max_each,
        ))
        .load(connection)
        .rows("menu.option_groups")
        .await
        .map_err(Unavailable::new)?;
    let rows: Vec<(Uuid, Uuid, i64)> = menu_item_option_prices::table
        .filter(menu_item_option_prices::menu_item_id.eq(item))
        .order((menu_item_option_prices::group_id, menu_item_option_prices::position))
        .select((menu_item_option_prices::group_id, menu_item_option_prices::option_id, menu_item_option_prices::price))
        .load(connection)
        .rows("menu.option_prices")
        .await
        .map_err(Unavailable::new)?;
    let mut prices: HashMap<Uuid, Vec<OptionPrice>> = HashMap::new();
    for (group, option, price) in rows {
        let price = own_price(item, price, currency)?;
        prices.entry(group).or_default().push(OptionPrice { option_id: OptionId::new(option), price });
    }
    let offer = |(group, min, max, max_each): (Uuid, i32, i32, i32)| -> Readable<GroupOffer> {
        Ok(GroupOffer {
            group_id: OptionGroupId::new(group),
            bounds: bounds(item, (min, max, max_each))?,
            prices: prices.remove(&group).unwrap_or_default(),
        })
    };
    Ok(GroupOffers::stored(offers.into_iter().map(offer).collect::<Readable<_>>()?))
}

#[derive(Insertable)]
#[diesel(table_name = menu_item_option_groups)]
struct OfferRow {
    menu_item_id: Uuid,
    group_id: Uuid,
    position: i32,
    min: i32,
    max: i32,
    max_each: i32,
}

#[derive(Insertable)]
#[diesel(table_name = menu_item_option_prices)]
struct PriceRow {
    menu_item_id: Uuid,
    option_id: Uuid,
    group_id: Uuid,
    position: i32,
    price: i64,
}

/// Replaces what a menu item offers. Its row is locked.
pub(super) async fn replace_offers(
    connection: &mut AsyncPgConnection,
    item: Uuid,
    offers: &GroupOffers,
) -> QueryResult<()> {
    let number = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    let bound = |bound: u32| i32::try_from(bound).unwrap_or(i32::MAX);
    diesel::delete(menu_item_option_groups::table.filter(menu_item_option_groups::menu_item_id.eq(item)))
        .execute(connection)
        .changes("menu.forget_option_groups")
        .await?;
    let offered = |(position, offer): (usize, &GroupOffer)| OfferRow {
        menu_item_id: item,
        group_id: offer.group_id.as_uuid(),
        position: number(position),
        min: bound(offer.bounds.min()),
        max: bound(offer.bounds.max()),
        max_each: bound(offer.bounds.max_each()),
    };
    let rows: Vec<OfferRow> = offers.as_slice().iter().enumerate().map(offered).collect();
    diesel::insert_into(menu_item_option_groups::table)
        .values(rows)
        .execute(connection)
        .changes("menu.offer_option_groups")
        .await?;
    let mut rows = Vec::new();
    for offer in offers.as_slice() {
        rows.extend(offer.prices.iter().enumerate().map(|(position, price)| PriceRow {
            menu_item_id: item,
            option_id: price.option_id.as_uuid(),
            group_id: offer.group_id.as_uuid(),
            position: number(position),
            price: price.price.money().amount(),
        }));
    }
    diesel::insert_into(menu_item_option_prices::table)
        .values(rows)
        .execute(connection)
        .changes("menu.price_options")
        .await
        .map(drop)
}
