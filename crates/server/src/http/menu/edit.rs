use actix_web::HttpResponse;
use comanda_application::Menu;
use comanda_domain::{
    Category, Currency, Description, MenuItemEdit, MenuItemId, MenuItemName, StaffMember, StationAssignment, StationId,
    Stock,
    ports::{EditMenuItemError, Unavailable},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    etag,
    option_groups::{read_allergens, unknown_station, uuid},
};
use crate::http::{
    extract::{IfMatch, Json, Path, Service, Staff},
    problem::{Failure, Problem, problems},
    validation::{Violations, name_taken},
    wire::{MenuItemResponse, Patched, PatchedPriceRequest, PriceRequest, Shown, WireInteger, names},
};

/// Changes a menu item, but not its stock
///
/// What is left out stays as it is. Needs `If-Match`, so that nobody's change is overwritten unseen.
#[utoipa::path(
    patch, path = "/v1/menu/items/{id}", operation_id = "edit_menu_item",
    request_body = PatchMenuItemRequest,
    responses((status = 200, description = "The menu item", body = MenuItemResponse,
        headers(("ETag" = String, description = "The revision"))))
)]
pub async fn edit(
    menu: Service<Menu>,
    currency: Service<Currency>,
    Staff(staff): Staff,
    Path(id): Path<MenuItemId>,
    if_match: IfMatch,
    Json(request): Json<PatchMenuItemRequest>,
) -> Result<HttpResponse, Failure<EditMenuItemError>> {
    let edit = request.validate(*currency)?;
    let revision = revision_seen(&menu, staff, id, &if_match, EditMenuItemError::NotFound).await?;
    let item = menu.edit(staff, id, revision, edit).await?;
    Ok(HttpResponse::Ok().insert_header(etag(&item)).json(MenuItemResponse::new(&item, Shown::ToStaff)))
}

/// The one revision that `If-Match` asks for, or `absent` if there is no such menu item.
pub(super) async fn revision_seen<E: From<Unavailable>>(
    menu: &Menu,
    staff: StaffMember,
    id: MenuItemId,
    if_match: &IfMatch,
    absent: E,
) -> Result<u32, E> {
    if_match.revision_seen(async { Ok(menu.find_for_staff(staff, id).await?.map(|item| item.revision)) }, absent).await
}

/// What is left out stays as it is. The stock is changed by adjustments only.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchMenuItemRequest {
    #[serde(default)]
    #[schema(value_type = String, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", min_length = 1, max_length = 120)]
    name: Patched<String>,
    #[serde(default)]
    #[schema(value_type = String, pattern = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$", max_length = 1000)]
    description: Patched<String>,
    #[serde(default)]
    #[schema(value_type = String, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", min_length = 1, max_length = 60)]
    category: Patched<String>,
    #[serde(default)]
    #[schema(value_type = PriceRequest)]
    price: Patched<PatchedPriceRequest>,
    #[serde(default)]
    #[schema(value_type = i64, minimum = 0, maximum = 1_000_000)]
    low_stock_at: Patched<WireInteger>,
    /// All that must be declared of it from now on.
    #[serde(default)]
    #[schema(value_type = Vec<names::Allergen>)]
    allergens: Patched<Vec<String>>,
    /// The station where it is made from now on; null: that of its category.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    station_id: Patched<String>,
    #[serde(default)]
    #[schema(value_type = bool)]
    active: Patched<bool>,
}

impl PatchMenuItemRequest {
    fn validate(self, currency: Currency) -> Result<MenuItemEdit, Problem> {
        let mut violations = Violations::default();
        let name = self.name.given("/name", &mut violations);
        let description = self.description.given("/description", &mut violations);
        let category = self.category.given("/category", &mut violations);
        let price = self.price.given("/price", &mut violations);
        let low_stock_at = self.low_stock_at.given("/low_stock_at", &mut violations);
        let allergens = self.allergens.given("/allergens", &mut violations);
        let active = self.active.given("/active", &mut violations);
        let station = match self.station_id {
            Patched::LeftOut => None,
            Patched::Null => Some(StationAssignment::OfCategory),
            Patched::Given(id) => {
                uuid("/station_id", &id, &mut violations).map(|id| StationAssignment::Own(StationId::new(id)))
            }
        };
        let edit = MenuItemEdit {
            name: violations.check_optional("/name", name.as_deref().map(MenuItemName::new)),
            description: violations.check_optional("/description", description.as_deref().map(Description::new)),
            category: violations.check_optional("/category", category.as_deref().map(Category::new)),
            price: price.and_then(|price| price.read("/price", currency, &mut violations)),
            allergens: allergens.and_then(|codes| read_allergens("/allergens", &codes, &mut violations)),
            low_stock_at: violations.check_optional("/low_stock_at", low_stock_at.map(|low| Stock::new(low.0))),
            station,
            active,
        };
        violations.finish(Some(edit))
    }
}

impl From<EditMenuItemError> for Problem {
    fn from(error: EditMenuItemError) -> Self {
        match error {
            EditMenuItemError::NotFound => Self::not_found("menu item"),
            EditMenuItemError::Stale { current } => Self::stale(current),
            EditMenuItemError::NameTaken { renamed } => name_taken(if renamed { "/name" } else { "/category" }, &error),
            EditMenuItemError::UnknownStation => unknown_station(),
            EditMenuItemError::NotCounted(refusal) => Violations::only("/low_stock_at", &refusal),
            EditMenuItemError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    EditMenuItemError: [NotFound, PreconditionFailed, ValidationFailed, Unavailable];
    NotFound,
    Stale { current: 2 },
    NameTaken { renamed: true },
    NotCounted(comanda_domain::NotCounted),
    UnknownStation,
    Unavailable(Unavailable::new("test")),
}
