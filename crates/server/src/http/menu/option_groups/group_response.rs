use comanda_domain::{Allergen, MenuOption, OptionGroup};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::wire::{MoneyResponse, Shown, WireTime, names};

#[derive(Serialize, ToSchema)]
#[schema(as = OptionGroup)]
pub struct OptionGroupResponse {
    id: Uuid,
    name: String,
    /// In the order in which the menu shows them.
    options: Vec<OptionResponse>,
    /// The `ETag`.
    revision: u32,
    created_at: WireTime,
    updated_at: WireTime,
}

#[derive(Serialize, ToSchema)]
#[schema(as = MenuOption)]
struct OptionResponse {
    id: Uuid,
    name: String,
    /// What one costs in addition, unless a menu item has a price of its own for it.
    price: MoneyResponse,
    #[schema(value_type = Vec<names::Allergen>)]
    allergens: Vec<&'static str>,
    /// What it takes of a supply or, below zero, takes away from what the menu item takes. For staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    supply: Option<OptionSupplyResponse>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OptionSupply)]
struct OptionSupplyResponse {
    supply_id: Uuid,
    /// In the unit of the supply.
    amount: i32,
}

impl OptionGroupResponse {
    pub fn new(group: &OptionGroup, shown: Shown) -> Self {
        let option = |option: &MenuOption| OptionResponse {
            id: option.id.as_uuid(),
            name: option.details.name.as_str().to_owned(),
            price: option.details.price.money().into(),
            allergens: option.details.allergens.iter().copied().map(Allergen::as_str).collect(),
            supply: option.details.supply.filter(|_| shown == Shown::ToStaff).map(|supply| OptionSupplyResponse {
                supply_id: supply.supply_id.as_uuid(),
                amount: supply.amount.get(),
            }),
        };
        Self {
            id: group.id.as_uuid(),
            name: group.name.as_str().to_owned(),
            options: group.options.iter().map(option).collect(),
            revision: group.revision,
            created_at: WireTime(group.created_at),
            updated_at: WireTime(group.updated_at),
        }
    }
}
