use comanda_domain::Supply;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::wire::{WireTime, names};

#[derive(Serialize, ToSchema)]
#[schema(as = Supply)]
pub struct SupplyResponse {
    id: Uuid,
    name: String,
    /// What `stock` and `low_stock_at` count.
    #[schema(value_type = names::SupplyUnit)]
    unit: &'static str,
    /// Quantity on hand.
    stock: u32,
    low_stock_at: u32,
    #[schema(value_type = names::Availability)]
    availability: &'static str,
    /// The `ETag`. Stock adjustments do not change it.
    revision: u32,
    /// Raised by every write.
    version: u64,
    created_at: WireTime,
    updated_at: WireTime,
}

impl From<&Supply> for SupplyResponse {
    fn from(supply: &Supply) -> Self {
        Self {
            id: supply.id.as_uuid(),
            name: supply.details.name.as_str().to_owned(),
            unit: supply.unit.as_str(),
            stock: supply.stock,
            low_stock_at: supply.details.low_stock_at.get(),
            availability: supply.availability().as_str(),
            revision: supply.revision,
            version: supply.version,
            created_at: WireTime(supply.created_at),
            updated_at: WireTime(supply.updated_at),
        }
    }
}
