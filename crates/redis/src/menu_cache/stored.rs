//! The JSON form of copies and items.

use std::{error::Error, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use comanda_domain::{
    Allergen, Category, Currency, Description, MenuItem, MenuItemDetails, MenuItemId, MenuItemName, Price, Stock,
    StockLevel, StockedDefinition,
    ports::{MenuCopy, MenuEpoch, MenuVersion, WholeMenu},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::definition::StoredDefinition;

#[derive(Serialize, Deserialize)]
pub(super) struct StoredCopy {
    version: u64,
    /// Older servers have none.
    #[serde(default)]
    epoch: Option<Uuid>,
    loaded_at: i64,
    load_took_us: u64,
    items: Vec<StoredItem>,
}

impl From<&MenuCopy> for StoredCopy {
    fn from(copy: &MenuCopy) -> Self {
        Self {
            version: copy.menu.version.number,
            epoch: Some(copy.menu.version.epoch.as_uuid()),
            loaded_at: copy.loaded_at.timestamp_millis(),
            load_took_us: u64::try_from(copy.load_took.as_micros()).unwrap_or(u64::MAX),
            items: copy.menu.items.iter().map(StoredItem::from).collect(),
        }
    }
}

/// `None`: an older server has published it, and nobody knows which database it is of, or what can be chosen.
impl TryFrom<StoredCopy> for Option<MenuCopy> {
    type Error = Unreadable;

    fn try_from(stored: StoredCopy) -> Result<Self, Unreadable> {
        let Some(epoch) = stored.epoch else { return Ok(None) };
        if stored.items.iter().any(|item| item.definition.is_none()) {
            return Ok(None);
        }
        let items = stored.items.into_iter().map(MenuItem::try_from).collect::<Result<_, _>>()?;
        let version = MenuVersion { epoch: MenuEpoch::new(epoch), number: stored.version };
        Ok(Some(MenuCopy {
            menu: Arc::new(WholeMenu { version, items }),
            loaded_at: moment(stored.loaded_at)?,
            load_took: Duration::from_micros(stored.load_took_us),
        }))
    }
}

/// A menu item's own entry.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredEntry {
    /// Older servers have none.
    #[serde(default)]
    pub(super) epoch: Option<Uuid>,
    #[serde(flatten)]
    pub(super) item: StoredItem,
}

/// An item, and the epoch of its entry, unless an older server has written it.
pub(super) struct Entry {
    pub(super) epoch: Option<Uuid>,
    pub(super) item: MenuItem,
}

impl TryFrom<StoredEntry> for Entry {
    type Error = Unreadable;

    fn try_from(stored: StoredEntry) -> Result<Self, Unreadable> {
        let epoch = stored.epoch.filter(|_| stored.item.definition.is_some());
        Ok(Self { epoch, item: stored.item.try_into()? })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct StoredItem {
    id: Uuid,
    name: String,
    description: String,
    category: String,
    price: i64,
    currency: String,
    low_stock_at: u32,
    active: bool,
    stock: u32,
    revision: u32,
    version: u64,
    created_at: i64,
    updated_at: i64,
    /// Servers of the release before have none, and count everything.
    #[serde(default = "counted")]
    counted: bool,
    /// Servers of the release before have none.
    #[serde(default)]
    allergens: Vec<String>,
    /// Servers of the release before have none, and their copies are as good as none.
    #[serde(default)]
    definition: Option<StoredDefinition>,
}

const fn counted() -> bool {
    true
}

/// What servers of the release before take for the stock of what is not counted: it is not low.
const UNCOUNTED: StockLevel = StockLevel { on_hand: Stock::stored(1_000_000), low_at: Stock::stored(0) };

impl From<&MenuItem> for StoredItem {
    fn from(item: &MenuItem) -> Self {
        let price = item.details.price.money();
        let level = item.stock.unwrap_or(UNCOUNTED);
        Self {
            id: item.id.as_uuid(),
            name: item.details.name.as_str().to_owned(),
            description: item.details.description.as_str().to_owned(),
            category: item.details.category.as_str().to_owned(),
            price: price.amount(),
            currency: price.currency().to_string(),
            low_stock_at: level.low_at.get(),
            active: item.details.active,
            stock: level.on_hand.get(),
            revision: item.revision,
            version: item.version,
            created_at: item.created_at.timestamp_millis(),
            updated_at: item.updated_at.timestamp_millis(),
            counted: item.stock.is_some(),
            allergens: item.details.allergens.iter().map(|allergen| allergen.as_str().to_owned()).collect(),
            definition: Some(StoredDefinition::from(&item.definition)),
        }
    }
}

impl TryFrom<StoredItem> for MenuItem {
    type Error = Unreadable;

    fn try_from(stored: StoredItem) -> Result<Self, Unreadable> {
        let currency: Currency = stored.currency.parse()?;
        Ok(Self {
            id: MenuItemId::new(stored.id),
            details: MenuItemDetails {
                name: MenuItemName::stored(&stored.name),
                description: Description::stored(&stored.description),
                category: Category::stored(&stored.category),
                price: Price::new(stored.price, currency)?,
                allergens: stored.allergens.iter().map(|code| code.parse()).collect::<Result<Vec<Allergen>, _>>()?,
                active: stored.active,
            },
            stock: stored.counted.then_some(StockLevel {
                on_hand: Stock::stored(stored.stock),
                low_at: Stock::stored(stored.low_stock_at),
            }),
            // Customers are not shown it.
            station: None,
            definition: match stored.definition {
                Some(definition) => definition.read(currency)?,
                None => StockedDefinition::default(),
            },
            revision: stored.revision,
            version: stored.version,
            created_at: moment(stored.created_at)?,
            updated_at: moment(stored.updated_at)?,
        })
    }
}

fn moment(milliseconds: i64) -> Result<DateTime<Utc>, Unreadable> {
    DateTime::from_timestamp_millis(milliseconds).ok_or_else(|| "a timestamp is out of range".into())
}

/// What is wrong with a copy or an entry.
pub(super) type Unreadable = Box<dyn Error + Send + Sync>;

/// Reads a copy or an entry. One that cannot be read, because another version or somebody by hand has written it, is as
/// good as none: it is logged and counted, and replaced by the next one.
pub(super) fn read<S: DeserializeOwned, T: TryFrom<S, Error = Unreadable>>(key: &str, text: &[u8]) -> Option<T> {
    let read = || -> Result<T, Unreadable> { serde_json::from_slice::<S>(text)?.try_into() };
    read().map_err(|error| report(key, &*error)).ok()
}

pub(super) fn report(key: &str, error: &(dyn Error + Send + Sync)) {
    tracing::error!(key, %error, "what Redis holds cannot be read");
    metrics::counter!("comanda_unreadable_records_total", "table" => "redis").increment(1);
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use comanda_domain::{
        Availability, ChoiceBounds, Ingredient, MenuItemDefinition, OfferedGroup, OfferedOption, OptionAmount,
        OptionGroupId, OptionGroupName, OptionId, OptionName, OptionSupply, Recipe, RecipeAmount, SupplyId,
    };
    use serde_json::{Value, json};

    use super::*;

    fn item(stock: Option<StockLevel>) -> MenuItem {
        MenuItem {
            id: MenuItemId::new(Uuid::nil()),
            details: MenuItemDetails {
                name: MenuItemName::stored("Margherita"),
                description: Description::stored(""),
                category: Category::stored("Pizza"),
                price: Price::new(900, Currency::EUR).unwrap(),
                allergens: vec![],
                active: true,
            },
            stock,
            station: None,
            definition: StockedDefinition::default(),
            revision: 1,
            version: 1,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    fn kept(item: &MenuItem) -> Value {
        serde_json::to_value(StoredItem::from(item)).unwrap()
    }

    fn read_again(kept: Value) -> MenuItem {
        serde_json::from_value::<StoredItem>(kept).unwrap().try_into().unwrap()
    }

    #[test]
    fn the_release_before_reads_what_is_not_counted_as_in_stock() {
        let entry = kept(&item(None));
        assert_eq!((&entry["stock"], &entry["low_stock_at"]), (&json!(1_000_000), &json!(0)));
        assert_eq!(read_again(entry), item(None));
    }

    #[test]
    fn what_can_be_chosen_is_read_again_and_an_entry_without_it_is_nobodys() {
        let supply = SupplyId::new(Uuid::from_u128(3));
        let amount = RecipeAmount::new(60).unwrap();
        let recipe = Recipe::new(vec![Ingredient { supply_id: supply, amount }]).unwrap();
        let option = OfferedOption {
            id: OptionId::new(Uuid::from_u128(2)),
            name: OptionName::stored("no cheese"),
            price: Price::new(50, Currency::EUR).unwrap(),
            allergens: vec![Allergen::Milk, Allergen::Nuts],
            supply: Some(OptionSupply { supply_id: supply, amount: OptionAmount::new(-60).unwrap() }),
        };
        let group = OfferedGroup {
            id: OptionGroupId::new(Uuid::from_u128(1)),
            name: OptionGroupName::stored("Extras"),
            bounds: ChoiceBounds::new(0, 3, 2).unwrap(),
            options: vec![option].into(),
        };
        let level = StockLevel { on_hand: Stock::stored(59), low_at: Stock::stored(5) };
        let definition = Arc::new(MenuItemDefinition::new(recipe, vec![group]));
        let mut item = item(None);
        item.definition = StockedDefinition { definition, supplies: HashMap::from([(supply, level)]) };
        item.details.allergens = vec![Allergen::Gluten];
        let mut entry = kept(&item);
        assert_eq!(read_again(entry.clone()), item);
        assert_eq!(item.availability(), Availability::SoldOut, "though it can be had without cheese");

        entry["epoch"] = json!(Uuid::nil());
        let read =
            |entry: &Value| Entry::try_from(serde_json::from_value::<StoredEntry>(entry.clone()).unwrap()).unwrap();
        assert_eq!(read(&entry).epoch, Some(Uuid::nil()));
        entry.as_object_mut().unwrap().remove("definition").unwrap();
        assert_eq!(read(&entry).epoch, None, "servers of the release before write none");
    }

    #[test]
    fn what_the_release_before_has_kept_is_counted() {
        let level = StockLevel { on_hand: Stock::stored(7), low_at: Stock::stored(5) };
        let mut entry = kept(&item(Some(level)));
        entry.as_object_mut().unwrap().remove("counted").unwrap();
        assert_eq!(read_again(entry), item(Some(level)));
    }
}
