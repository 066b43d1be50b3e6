use actix_web::HttpResponse;
use comanda_application::Menu;
use comanda_domain::{Ingredient, MenuItemId, Recipe, RecipeAmount, RecipeError, SupplyId, ports::ChangeRecipeError};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    edit::revision_seen,
    etag,
    option_groups::{unknown, uuid},
};
use crate::http::{
    extract::{IfMatch, Json, Path, Service, Staff},
    problem::{Failure, Problem, problems},
    validation::{ViolationCode, Violations},
    wire::{MenuItemResponse, Shown, WireInteger},
};

/// Says what one of a menu item takes of supplies
///
/// An order takes it from the stock of the supplies. Needs `If-Match`, so that nobody's change is overwritten unseen.
#[utoipa::path(
    put, path = "/v1/menu/items/{id}/recipe", operation_id = "change_recipe",
    request_body = inline(RecipeRequest),
    responses((status = 200, description = "The menu item", body = MenuItemResponse,
        headers(("ETag" = String, description = "The revision"))))
)]
pub async fn change_recipe(
    menu: Service<Menu>,
    Staff(staff): Staff,
    Path(id): Path<MenuItemId>,
    if_match: IfMatch,
    Json(RecipeRequest(request)): Json<RecipeRequest>,
) -> Result<HttpResponse, Failure<ChangeRecipeError>> {
    let recipe = validate(&request)?;
    let revision = revision_seen(&menu, staff, id, &if_match, ChangeRecipeError::NotFound).await?;
    let item = menu.change_recipe(staff, id, revision, recipe).await?;
    Ok(HttpResponse::Ok().insert_header(etag(&item)).json(MenuItemResponse::new(&item, Shown::ToStaff)))
}

/// The ingredients; no supply twice.
#[derive(Deserialize, ToSchema)]
#[schema(max_items = 50)]
pub struct RecipeRequest(Vec<IngredientRequest>);

/// A supply, and how much of it goes into one of the menu item.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WrittenIngredient)]
pub struct IngredientRequest {
    #[schema(value_type = uuid::Uuid)]
    supply_id: String,
    /// In the unit of the supply.
    #[schema(value_type = i64, minimum = 1, maximum = 1_000_000, example = 200)]
    amount: WireInteger,
}

fn validate(request: &[IngredientRequest]) -> Result<Recipe, Problem> {
    let mut violations = Violations::default();
    if request.len() > Recipe::MAX_INGREDIENTS {
        violations.add("", ViolationCode::OutOfRange, RecipeError::TooMany.to_string());
        return violations.finish(None);
    }
    let ingredients = request.iter().enumerate().map(|(at, ingredient)| {
        let supply_id = uuid(&format!("/{at}/supply_id"), &ingredient.supply_id, &mut violations);
        let amount = violations.check(format!("/{at}/amount"), RecipeAmount::new(ingredient.amount.0));
        Some(Ingredient { supply_id: SupplyId::new(supply_id?), amount: amount? })
    });
    let ingredients: Vec<Option<Ingredient>> = ingredients.collect();
    let recipe = match ingredients.into_iter().collect::<Option<_>>().map(Recipe::new) {
        Some(Err(RecipeError::Repeated(repeated))) => {
            for at in repeated {
                violations.add(
                    format!("/{at}/supply_id"),
                    ViolationCode::Repeated,
                    "is a supply that is in the recipe already",
                );
            }
            None
        }
        Some(Err(error)) => {
            violations.add("", ViolationCode::OutOfRange, error.to_string());
            None
        }
        Some(Ok(recipe)) => Some(recipe),
        None => None,
    };
    violations.finish(recipe)
}

impl From<ChangeRecipeError> for Problem {
    fn from(error: ChangeRecipeError) -> Self {
        match error {
            ChangeRecipeError::NotFound => Self::not_found("menu item"),
            ChangeRecipeError::Stale { current } => Self::stale(current),
            ChangeRecipeError::UnknownSupplies(ingredients) => {
                let pointers = ingredients.into_iter().map(|at| format!("/{at}/supply_id"));
                unknown(pointers, ViolationCode::UnknownSupply, "supply")
            }
            ChangeRecipeError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    ChangeRecipeError: [NotFound, PreconditionFailed, ValidationFailed, Unavailable];
    NotFound,
    Stale { current: 2 },
    UnknownSupplies(vec![0, 3]),
    Unavailable(Unavailable::new("test")),
}
