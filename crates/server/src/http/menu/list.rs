use actix_web::HttpResponse;
use comanda_application::Menu;
use comanda_domain::{Category, MenuItemId, MenuItemName, MenuPosition, ports::Unavailable};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use uuid::Uuid;

use super::shown_to;
use crate::http::{
    extract::{Filter, MaybeSignedIn, Paged, Service, pages},
    problem::{Failure, Problem},
    validation::Violations,
    wire::MenuItemResponse,
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MenuItemFilter {
    /// Only menu items under this heading, whatever the case and the accents.
    #[param(pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", min_length = 1, max_length = 60)]
    category: Option<String>,
    /// Only menu items whose name contains this, or a word much like it, whatever the case and the accents: `carbonra`
    /// finds Carbonara, and `creme brulee` finds Crème brûlée.
    #[param(pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", max_length = 120)]
    q: Option<String>,
}

impl Filter for MenuItemFilter {
    const LIST: &'static str = "menu-items";
    type Criteria = (Option<Category>, Option<String>);
    type Position = Position;

    fn criteria(self, violations: &mut Violations) -> Result<Self::Criteria, Problem> {
        let category = violations.check_optional("/category", self.category.as_deref().map(Category::new));
        // Matched, not stored: only what could not even be compared is refused.
        let name = self.q.filter(|q| !q.is_empty());
        let name = violations.check_optional("/q", name.as_deref().map(MenuItemName::new));
        Ok((category, name.map(|name| name.to_string())))
    }
}

#[derive(Serialize, Deserialize)]
pub struct Position {
    category: String,
    name: String,
    id: Uuid,
}

impl Position {
    fn of(end: MenuPosition) -> Self {
        Self { category: end.category.into(), name: end.name.into(), id: end.id.as_uuid() }
    }

    /// The cursor is signed: these are the texts of an item that this list has shown.
    fn read(self) -> MenuPosition {
        MenuPosition {
            category: Category::stored(&self.category),
            name: MenuItemName::stored(&self.name),
            id: MenuItemId::new(self.id),
        }
    }
}

pages! {
    MenuItemPage of MenuItemResponse;
}

/// Lists menu items by category and name
///
/// Those that are put away for good are left out. Only staff see those that are switched off, and stock and recipes.
#[utoipa::path(
    get, path = "/v1/menu/items", operation_id = "list_menu_items",
    responses((status = 200, description = "A page of the list", body = MenuItemPage))
)]
pub async fn list(
    menu: Service<Menu>,
    MaybeSignedIn(reader): MaybeSignedIn,
    Paged { criteria: (category, name), limit, after, pages }: Paged<MenuItemFilter>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let after = after.map(Position::read);
    let found = menu.list(reader, category, name, after, limit).await?;
    Ok(pages.respond::<MenuItemPage, _, _>(found, Position::of, |item| MenuItemResponse::new(&item, shown_to(reader))))
}
