//! What menu items take of supplies.

use comanda_domain::{
    Ingredient, Recipe, RecipeAmount, SupplyId,
    ports::{Readable, Unavailable},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::database::{Named, NamedRows, RowOf, schema::recipe_ingredients};

/// A stored ingredient of this menu item: a supply, and how much of it.
pub(super) fn ingredient(item: Uuid, (supply, amount): (Uuid, i32)) -> Readable<Ingredient> {
    let row = RowOf { table: "recipe_ingredients", id: item };
    let amount = row.read("amount", RecipeAmount::new(amount.into()))?;
    Ok(Ingredient { supply_id: SupplyId::new(supply), amount })
}

/// The recipe of a menu item.
pub(super) async fn read_recipe(connection: &mut AsyncPgConnection, item: Uuid) -> Result<Recipe, Unavailable> {
    let rows: Vec<(Uuid, i32)> = recipe_ingredients::table
        .filter(recipe_ingredients::menu_item_id.eq(item))
        .order(recipe_ingredients::position)
        .select((recipe_ingredients::supply_id, recipe_ingredients::amount))
        .load(connection)
        .rows("menu.recipe")
        .await
        .map_err(Unavailable::new)?;
    Ok(Recipe::stored(rows.into_iter().map(|row| ingredient(item, row)).collect::<Readable<_>>()?))
}

#[derive(Insertable)]
#[diesel(table_name = recipe_ingredients)]
struct IngredientRow {
    menu_item_id: Uuid,
    supply_id: Uuid,
    position: i32,
    amount: i32,
}

/// Replaces the recipe of a menu item. Its row is locked.
pub(super) async fn replace_recipe(connection: &mut AsyncPgConnection, item: Uuid, recipe: &Recipe) -> QueryResult<()> {
    diesel::delete(recipe_ingredients::table.filter(recipe_ingredients::menu_item_id.eq(item)))
        .execute(connection)
        .changes("menu.forget_recipe")
        .await?;
    let row = |(position, ingredient): (usize, &Ingredient)| IngredientRow {
        menu_item_id: item,
        supply_id: ingredient.supply_id.as_uuid(),
        position: i32::try_from(position).unwrap_or(i32::MAX),
        amount: i32::try_from(ingredient.amount.get()).unwrap_or(i32::MAX),
    };
    let rows: Vec<IngredientRow> = recipe.ingredients().iter().enumerate().map(row).collect();
    diesel::insert_into(recipe_ingredients::table)
        .values(rows)
        .execute(connection)
        .changes("menu.write_recipe")
        .await
        .map(drop)
}
