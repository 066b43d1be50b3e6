use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use comanda_application::Menu;
use comanda_domain::{
    Category, Currency, Description, MenuItemDetails, MenuItemName, NotCounted, StationId, Stock, StockLevel,
    ports::AddMenuItemError,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    etag,
    option_groups::{read_allergens, unknown_station, uuid},
};
use crate::http::{
    extract::{Idempotent, Json, Service, Staff, replayable},
    problem::{Failure, Problem, problems},
    validation::{BrokenRule, Violations, name_taken},
    wire::{MenuItemResponse, PriceRequest, Shown, WireInteger, names},
};

/// Puts a menu item on the menu
///
/// A `stock` of null is not counted. From then on the stock is changed by adjustments and by orders only.
#[utoipa::path(
    post, path = "/v1/menu/items", operation_id = "add_menu_item",
    request_body = NewMenuItemRequest,
    responses((status = 201, description = "The menu item", body = MenuItemResponse, headers(
        ("Location" = String, description = "Where the menu item is"), ("ETag" = String, description = "The revision")
    )))
)]
pub async fn add(
    menu: Service<Menu>,
    currency: Service<Currency>,
    Staff(staff): Staff,
    Idempotent(Json(request), key): Idempotent<Json<NewMenuItemRequest>>,
) -> Result<HttpResponse, Failure<AddMenuItemError>> {
    let (details, stock, station) = request.validate(*currency)?;
    let added = menu.add(staff, details, stock, station, key).await?;
    let item = added.outcome;
    Ok(replayable(StatusCode::CREATED, added.replayed)
        .insert_header((header::LOCATION, format!("/v1/menu/items/{}", item.id)))
        .insert_header(etag(&item))
        .json(MenuItemResponse::new(&item, Shown::ToStaff)))
}

#[derive(Deserialize, Serialize, ToSchema)]
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
    /// Quantity on hand; null if it is not to be counted.
    // Whoever forgets it must not sell without end.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(value_type = Option<i64>, required = true, minimum = 0, maximum = 1_000_000, example = 30)]
    stock: Option<WireInteger>,
    /// At or below this quantity customers see `low`; 5 unless given. Only with a stock.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000, example = 5)]
    low_stock_at: Option<WireInteger>,
    /// What must be declared of it whatever is chosen with it (Regulation (EU) No 1169/2011).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<names::Allergen>>)]
    allergens: Option<Vec<String>>,
    /// The station where it is made; without one, that of its category.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>)]
    station_id: Option<String>,
    /// Whether it can be ordered; true unless given.
    active: Option<bool>,
}

/// What staff say about a new menu item.
type NewItem = (MenuItemDetails, Option<StockLevel>, Option<StationId>);

impl NewMenuItemRequest {
    fn validate(self, currency: Currency) -> Result<NewItem, Problem> {
        let mut violations = Violations::default();
        let name = violations.check("/name", MenuItemName::new(&self.name));
        let description = violations.check("/description", Description::new(self.description.as_deref().unwrap_or("")));
        let category = violations.check("/category", Category::new(&self.category));
        let price = self.price.read("/price", currency, &mut violations);
        let allergens = self.allergens.as_deref().unwrap_or_default();
        let allergens = read_allergens("/allergens", allergens, &mut violations);
        let on_hand = violations.check_optional("/stock", self.stock.as_ref().map(|stock| Stock::new(stock.0)));
        let low_at =
            violations.check_optional("/low_stock_at", self.low_stock_at.as_ref().map(|low| Stock::new(low.0)));
        if self.stock.is_none() && low_at.is_some() {
            violations.add("/low_stock_at", NotCounted.code(), NotCounted.to_string());
        }
        let stock = on_hand.map(|on_hand| StockLevel { on_hand, low_at: low_at.unwrap_or(Stock::LOW) });
        let station = self.station_id.as_deref().and_then(|id| uuid("/station_id", id, &mut violations));
        let station = station.map(StationId::new);
        let item = (|| {
            let details = MenuItemDetails {
                name: name?,
                description: description?,
                category: category?,
                price: price?,
                allergens: allergens?,
                active: self.active.unwrap_or(true),
            };
            Some((details, stock, station))
        })();
        violations.finish(item)
    }
}

impl From<AddMenuItemError> for Problem {
    fn from(error: AddMenuItemError) -> Self {
        match error {
            AddMenuItemError::NameTaken => name_taken("/name", &error),
            AddMenuItemError::UnknownStation => unknown_station(),
            AddMenuItemError::Key(refusal) => refusal.into(),
            AddMenuItemError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    AddMenuItemError: [ValidationFailed, IdempotencyKeyReused, IdempotencyInProgress, Unavailable];
    NameTaken,
    UnknownStation,
    Key(comanda_domain::KeyRefusal::Reused) and (comanda_domain::KeyRefusal::InProgress),
    Unavailable(Unavailable::new("test")),
}
