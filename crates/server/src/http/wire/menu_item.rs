use comanda_domain::{
    menu_item::{MenuItem, MenuItemDetails, MenuItemEdit},
    money::Currency,
    page::Page,
    ports::WholeMenu,
    stock::{Stock, StockDelta},
    text::{Category, Description, MenuItemName, Reason},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{MoneyResponse, WireInteger, WireTime, money::PriceRequest};
use crate::http::{problem::Problem, validation::Violations};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMenuItemRequest {
    #[schema(pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", min_length = 1, max_length = 120, example = "Carbonara")]
    name: String,
    #[schema(pattern = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$", max_length = 1000)]
    description: Option<String>,
    #[schema(pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", min_length = 1, max_length = 60, example = "Pasta")]
    category: String,
    #[schema(inline)]
    price: PriceRequest,
    /// Portions on hand.
    #[schema(value_type = i64, minimum = 0, maximum = 1_000_000, example = 30)]
    stock: WireInteger,
    /// At or below this many quantity customers see "low"; 5 unless given.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000, example = 5)]
    low_stock_at: Option<WireInteger>,
    /// Whether it can be ordered; true unless given.
    active: Option<bool>,
}

impl NewMenuItemRequest {
    pub fn validate(self, currency: Currency) -> Result<(MenuItemDetails, Stock), Problem> {
        let mut violations = Violations::default();
        let name = violations.check("/name", MenuItemName::new(&self.name));
        let description = violations.check("/description", Description::new(self.description.as_deref().unwrap_or("")));
        let category = violations.check("/category", Category::new(&self.category));
        let price = self.price.read("/price", currency, &mut violations);
        let stock = violations.check("/stock", Stock::new(self.stock.0));
        let low = self.low_stock_at.map_or(MenuItemDetails::DEFAULT_LOW_STOCK_AT, |low| low.0);
        let low_stock_at = violations.check("/low_stock_at", Stock::new(low));
        let item = (|| {
            let details = MenuItemDetails {
                name: name?,
                description: description?,
                category: category?,
                price: price?,
                low_stock_at: low_stock_at?,
                active: self.active.unwrap_or(true),
            };
            Some((details, stock?))
        })();
        violations.finish(item)
    }
}

/// What is left out stays as it is. The stock is changed by adjustments only.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchMenuItemRequest {
    #[schema(pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", min_length = 1, max_length = 120)]
    name: Option<String>,
    #[schema(pattern = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$", max_length = 1000)]
    description: Option<String>,
    #[schema(pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", min_length = 1, max_length = 60)]
    category: Option<String>,
    price: Option<PriceRequest>,
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000)]
    low_stock_at: Option<WireInteger>,
    active: Option<bool>,
}

impl PatchMenuItemRequest {
    pub fn validate(self, currency: Currency) -> Result<MenuItemEdit, Problem> {
        let mut violations = Violations::default();
        let edit = MenuItemEdit {
            name: violations.check_optional("/name", self.name.as_deref().map(MenuItemName::new)),
            description: violations.check_optional("/description", self.description.as_deref().map(Description::new)),
            category: violations.check_optional("/category", self.category.as_deref().map(Category::new)),
            price: self.price.and_then(|price| price.read("/price", currency, &mut violations)),
            low_stock_at: violations.check_optional("/low_stock_at", self.low_stock_at.map(|low| Stock::new(low.0))),
            active: self.active,
        };
        violations.finish(Some(edit))
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustStockRequest {
    /// Portions more or, below zero, fewer. Not zero.
    #[schema(value_type = i64, minimum = -1_000_000, maximum = 1_000_000, example = 12)]
    delta: WireInteger,
    #[schema(
        pattern = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$",
        min_length = 1,
        max_length = 300,
        example = "delivery"
    )]
    reason: String,
}

impl AdjustStockRequest {
    pub fn validate(self) -> Result<(StockDelta, Reason), Problem> {
        let mut violations = Violations::default();
        let delta = violations.check("/delta", StockDelta::new(self.delta.0));
        let reason = violations.check("/reason", Reason::new(&self.reason));
        violations.finish(delta.zip(reason))
    }
}

/// For whom an item is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    ToCustomers,
    ToStaff,
}

#[derive(Serialize, ToSchema)]
#[schema(as = MenuItem)]
pub struct MenuItemResponse {
    id: Uuid,
    name: String,
    description: String,
    category: String,
    price: MoneyResponse,
    #[schema(example = "in_stock", pattern = "^(in_stock|low|sold_out)$")]
    availability: &'static str,
    active: bool,
    /// The `ETag`. Sales do not change it.
    revision: u32,
    created_at: WireTime,
    updated_at: WireTime,
    /// Portions on hand. For staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    stock: Option<u32>,
    /// For staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    low_stock_at: Option<u32>,
    /// Raised by every write, sales included. For staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
}

impl MenuItemResponse {
    pub fn new(item: &MenuItem, shown: Shown) -> Self {
        let staff = shown == Shown::ToStaff;
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
            stock: staff.then_some(item.stock),
            low_stock_at: staff.then_some(item.details.low_stock_at.get()),
            version: staff.then_some(item.version),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct MenuItemPage {
    data: Vec<MenuItemResponse>,
    /// Null on the last page.
    #[schema(required)]
    next_cursor: Option<String>,
}

impl MenuItemPage {
    pub fn new(page: &Page<MenuItem>, shown: Shown, next_cursor: Option<String>) -> Self {
        Self { data: page.entries.iter().map(|item| MenuItemResponse::new(item, shown)).collect(), next_cursor }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = Menu)]
pub struct MenuResponse {
    /// Raised by every change that a customer can see.
    version: u64,
    #[schema(example = "EUR")]
    currency: String,
    categories: Vec<CategoryResponse>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = MenuCategory)]
pub struct CategoryResponse {
    name: String,
    items: Vec<MenuItemResponse>,
}

impl MenuResponse {
    /// From items sorted by category. Customers do not see what is switched off.
    pub fn new(menu: &WholeMenu, currency: Currency) -> Self {
        let shown: Vec<&MenuItem> = menu.items.iter().filter(|item| item.details.active).collect();
        let categories =
            shown.chunk_by(|a, b| a.details.category == b.details.category).map(|items| CategoryResponse {
                name: items[0].details.category.as_str().to_owned(),
                items: items.iter().map(|item| MenuItemResponse::new(item, Shown::ToCustomers)).collect(),
            });
        Self { version: menu.version, currency: currency.to_string(), categories: categories.collect() }
    }
}
