//! The JSON form of what a menu item takes and offers, as it is kept with an outcome under a key. The next release
//! reads it: a field that is added is `#[serde(default)]`. The copy in Redis has the same form for now, but is dropped
//! freely, so neither is bound to the other.

use std::sync::Arc;

use comanda_domain::{
    Allergen, ChoiceBounds, Currency, Ingredient, MenuItemDefinition, OfferedGroup, OfferedOption, OptionAmount,
    OptionGroupId, OptionGroupName, OptionId, OptionName, OptionSupply, Price, Recipe, RecipeAmount, Stock, StockLevel,
    StockedDefinition, SupplyId,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is wrong with it.
type Unreadable = Box<dyn std::error::Error + Send + Sync>;

#[derive(Serialize, Deserialize)]
pub(in crate::menu) struct KeptDefinition {
    recipe: Vec<KeptIngredient>,
    groups: Vec<KeptGroup>,
    supplies: Vec<KeptSupply>,
}

#[derive(Serialize, Deserialize)]
struct KeptIngredient {
    supply: Uuid,
    amount: u32,
}

#[derive(Serialize, Deserialize)]
struct KeptGroup {
    id: Uuid,
    name: String,
    min: u32,
    max: u32,
    max_each: u32,
    options: Vec<KeptOption>,
}

#[derive(Serialize, Deserialize)]
struct KeptOption {
    id: Uuid,
    name: String,
    price: i64,
    allergens: Vec<String>,
    /// A supply, and what it takes of it.
    supply: Option<(Uuid, i32)>,
}

#[derive(Serialize, Deserialize)]
struct KeptSupply {
    id: Uuid,
    stock: u32,
    low_stock_at: u32,
}

impl From<&StockedDefinition> for KeptDefinition {
    fn from(StockedDefinition { definition, supplies }: &StockedDefinition) -> Self {
        let ingredient = |ingredient: &Ingredient| KeptIngredient {
            supply: ingredient.supply_id.as_uuid(),
            amount: ingredient.amount.get(),
        };
        let supply = |(id, level): (&SupplyId, &StockLevel)| KeptSupply {
            id: id.as_uuid(),
            stock: level.on_hand.get(),
            low_stock_at: level.low_at.get(),
        };
        Self {
            recipe: definition.recipe().ingredients().iter().map(ingredient).collect(),
            groups: definition.groups().iter().map(KeptGroup::from).collect(),
            supplies: supplies.iter().map(supply).collect(),
        }
    }
}

impl From<&OfferedGroup> for KeptGroup {
    fn from(group: &OfferedGroup) -> Self {
        let option = |option: &OfferedOption| KeptOption {
            id: option.id.as_uuid(),
            name: option.name.as_str().to_owned(),
            price: option.price.money().amount(),
            allergens: option.allergens.iter().map(|allergen| allergen.as_str().to_owned()).collect(),
            supply: option.supply.map(|supply| (supply.supply_id.as_uuid(), supply.amount.get())),
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

impl KeptDefinition {
    pub(in crate::menu) fn read(self, currency: Currency) -> Result<StockedDefinition, Unreadable> {
        let ingredient = |kept: KeptIngredient| -> Result<Ingredient, Unreadable> {
            let amount = RecipeAmount::new(kept.amount.into())?;
            Ok(Ingredient { supply_id: SupplyId::new(kept.supply), amount })
        };
        let recipe = Recipe::stored(self.recipe.into_iter().map(ingredient).collect::<Result<_, _>>()?);
        let groups = self.groups.into_iter().map(|group| group.read(currency)).collect::<Result<_, _>>()?;
        let supply = |kept: KeptSupply| {
            let level = StockLevel { on_hand: Stock::stored(kept.stock), low_at: Stock::stored(kept.low_stock_at) };
            (SupplyId::new(kept.id), level)
        };
        Ok(StockedDefinition {
            definition: Arc::new(MenuItemDefinition::new(recipe, groups)),
            supplies: self.supplies.into_iter().map(supply).collect(),
        })
    }
}

impl KeptGroup {
    fn read(self, currency: Currency) -> Result<OfferedGroup, Unreadable> {
        let bounds = ChoiceBounds::new(self.min.into(), self.max.into(), self.max_each.into());
        let options = self.options.into_iter().map(|option| option.read(currency)).collect::<Result<_, _>>()?;
        Ok(OfferedGroup {
            id: OptionGroupId::new(self.id),
            name: OptionGroupName::stored(&self.name),
            bounds: bounds.map_err(|errors| format!("bounds of choices are out of their ranges: {errors:?}"))?,
            options,
        })
    }
}

impl KeptOption {
    fn read(self, currency: Currency) -> Result<OfferedOption, Unreadable> {
        let supply = match self.supply {
            Some((id, amount)) => {
                Some(OptionSupply { supply_id: SupplyId::new(id), amount: OptionAmount::new(amount.into())? })
            }
            None => None,
        };
        Ok(OfferedOption {
            id: OptionId::new(self.id),
            name: OptionName::stored(&self.name),
            price: Price::new(self.price, currency)?,
            allergens: self.allergens.iter().map(|code| code.parse()).collect::<Result<Vec<Allergen>, _>>()?,
            supply,
        })
    }
}
