use comanda_domain::MenuItem;
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
            stock: staff.then(|| Counted(item.on_hand())),
            low_stock_at: staff.then(|| Counted(item.stock.map(|level| level.low_at.get()))),
            version: staff.then_some(item.version),
        }
    }
}
