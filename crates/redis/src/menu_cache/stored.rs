//! The JSON form of copies and items.

use std::{error::Error, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use comanda_domain::{
    Category, Currency, Description, MenuItem, MenuItemDetails, MenuItemId, MenuItemName, Price, Stock,
    ports::{MenuCopy, WholeMenu},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

#[derive(Serialize, Deserialize)]
pub(super) struct StoredCopy {
    version: u64,
    loaded_at: i64,
    load_took_us: u64,
    items: Vec<StoredItem>,
}

impl From<&MenuCopy> for StoredCopy {
    fn from(copy: &MenuCopy) -> Self {
        Self {
            version: copy.menu.version,
            loaded_at: copy.loaded_at.timestamp_millis(),
            load_took_us: u64::try_from(copy.load_took.as_micros()).unwrap_or(u64::MAX),
            items: copy.menu.items.iter().map(StoredItem::from).collect(),
        }
    }
}

impl TryFrom<StoredCopy> for MenuCopy {
    type Error = Unreadable;

    fn try_from(stored: StoredCopy) -> Result<Self, Unreadable> {
        let items = stored.items.into_iter().map(MenuItem::try_from).collect::<Result<_, _>>()?;
        Ok(Self {
            menu: Arc::new(WholeMenu { version: stored.version, items }),
            loaded_at: moment(stored.loaded_at)?,
            load_took: Duration::from_micros(stored.load_took_us),
        })
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
}

impl From<&MenuItem> for StoredItem {
    fn from(item: &MenuItem) -> Self {
        let price = item.details.price.money();
        Self {
            id: item.id.as_uuid(),
            name: item.details.name.as_str().to_owned(),
            description: item.details.description.as_str().to_owned(),
            category: item.details.category.as_str().to_owned(),
            price: price.amount(),
            currency: price.currency().to_string(),
            low_stock_at: item.details.low_stock_at.get(),
            active: item.details.active,
            stock: item.stock,
            revision: item.revision,
            version: item.version,
            created_at: item.created_at.timestamp_millis(),
            updated_at: item.updated_at.timestamp_millis(),
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
                low_stock_at: Stock::stored(stored.low_stock_at),
                active: stored.active,
            },
            stock: stored.stock,
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
