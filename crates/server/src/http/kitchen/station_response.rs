use comanda_domain::{Category, Station};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::wire::WireTime;

/// Where some of an order is made.
#[derive(Serialize, ToSchema)]
#[schema(as = Station)]
pub struct StationResponse {
    id: Uuid,
    #[schema(example = "Grill")]
    name: String,
    /// The categories of the menu that go to it, unless a menu item names a station of its own.
    categories: Vec<String>,
    /// Stations are listed by this number, and then by name.
    position: u32,
    /// The `ETag`.
    revision: u32,
    created_at: WireTime,
    updated_at: WireTime,
}

impl From<&Station> for StationResponse {
    fn from(station: &Station) -> Self {
        let details = &station.details;
        Self {
            id: station.id.as_uuid(),
            name: details.name.as_str().to_owned(),
            categories: details.categories.as_slice().iter().map(Category::to_string).collect(),
            position: details.place.get(),
            revision: station.revision,
            created_at: WireTime(station.created_at),
            updated_at: WireTime(station.updated_at),
        }
    }
}
