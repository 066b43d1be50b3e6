use comanda_domain::{Allergen, Ingredient, MenuItem, OfferedGroup, OfferedOption, StationId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{MoneyResponse, WireTime, names};

/// For whom an item is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    ToCustomers,
    ToStaff,
}

/// A quantity of what is counted, or null.
#[derive(Serialize)]
struct Counted(Option<u32>);

#[derive(Serialize, ToSchema)]
#[schema(as = MenuItem)]
pub struct MenuItemResponse {
    id: Uuid,
    name: String,
    description: String,
    category: String,
    price: MoneyResponse,
    #[schema(value_type = names::Availability)]
    availability: &'static str,
    active: bool,
    /// The `ETag`. Sales do not change it.
    revision: u32,
    created_at: WireTime,
    updated_at: WireTime,
    /// Quantity on hand; null if it is not counted. For staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    stock: Option<Counted>,
    /// Null if it is not counted. For staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>)]
    low_stock_at: Option<Counted>,
    /// Raised by every write, sales included. For staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    /// What must be declared of it whatever is chosen with it (Regulation (EU) No 1169/2011).
    #[schema(value_type = Vec<names::Allergen>)]
    allergens: Vec<&'static str>,
    /// What can be chosen with it.
    option_groups: Vec<OfferedGroupResponse>,
    /// What one takes of supplies before anything is chosen. For staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    recipe: Option<Vec<IngredientResponse>>,
    /// The station where it is made; null if it is the one of its category. For staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    station_id: Option<OwnStation>,
}

/// The station of a menu item's own, or null.
#[derive(Serialize)]
struct OwnStation(Option<Uuid>);

/// An option group as a menu item offers it.
#[derive(Serialize, ToSchema)]
#[schema(as = OfferedGroup)]
struct OfferedGroupResponse {
    id: Uuid,
    name: String,
    /// How many options have to be chosen.
    min: u32,
    /// How many options can be chosen.
    max: u32,
    /// How often each option can be chosen.
    max_each: u32,
    options: Vec<OfferedOptionResponse>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OfferedOption)]
struct OfferedOptionResponse {
    id: Uuid,
    name: String,
    /// What one costs with this menu item.
    price: MoneyResponse,
    #[schema(value_type = names::Availability)]
    availability: &'static str,
    #[schema(value_type = Vec<names::Allergen>)]
    allergens: Vec<&'static str>,
}

/// A supply, and how much of it goes into one of the menu item.
#[derive(Serialize, ToSchema)]
#[schema(as = Ingredient)]
struct IngredientResponse {
    supply_id: Uuid,
    /// In the unit of the supply.
    amount: u32,
}

fn codes(allergens: &[Allergen]) -> Vec<&'static str> {
    allergens.iter().copied().map(Allergen::as_str).collect()
}

impl MenuItemResponse {
    pub fn new(item: &MenuItem, shown: Shown) -> Self {
        let staff = shown == Shown::ToStaff;
        let definition = &item.definition.definition;
        let recipe = || definition.recipe().ingredients().iter().map(IngredientResponse::from).collect();
        Self {
            id: item.id.as_uuid(),
            name: item.details.name.as_str().to_owned(),
            description: item.details.description.as_str().to_owned(),
            category: item.details.category.as_str().to_owned(),
            price: item.details.price.money().into(),
            availability: item.availability().as_str(),
            active: item.details.active,
            revision: item.revision,
            created_at: WireTime(item.created_at),
            updated_at: WireTime(item.updated_at),
            stock: staff.then(|| Counted(item.on_hand())),
            low_stock_at: staff.then(|| Counted(item.stock.map(|level| level.low_at.get()))),
            version: staff.then_some(item.version),
            allergens: codes(&item.details.allergens),
            option_groups: definition.groups().iter().map(|group| OfferedGroupResponse::new(group, item)).collect(),
            recipe: staff.then(recipe),
            station_id: staff.then(|| OwnStation(item.station.map(StationId::as_uuid))),
        }
    }
}

impl OfferedGroupResponse {
    fn new(group: &OfferedGroup, item: &MenuItem) -> Self {
        let option = |option: &OfferedOption| OfferedOptionResponse {
            id: option.id.as_uuid(),
            name: option.name.as_str().to_owned(),
            price: option.price.money().into(),
            availability: item.definition.availability_of(option).as_str(),
            allergens: codes(&option.allergens),
        };
        Self {
            id: group.id.as_uuid(),
            name: group.name.as_str().to_owned(),
            min: group.bounds.min(),
            max: group.bounds.max(),
            max_each: group.bounds.max_each(),
            options: group.options.iter().map(option).collect(),
        }
    }
}

impl From<&Ingredient> for IngredientResponse {
    fn from(ingredient: &Ingredient) -> Self {
        Self { supply_id: ingredient.supply_id.as_uuid(), amount: ingredient.amount.get() }
    }
}
