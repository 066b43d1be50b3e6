use actix_web::HttpResponse;
use comanda_application::Menu;
use comanda_domain::{
    ids::MenuItemId,
    menu_item::MenuItem,
    page::MenuPosition,
    text::{Category, MenuItemName},
};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use uuid::Uuid;

use super::shown_to;
use crate::http::{
    extract::{CursorSigner, MaybeSignedIn, Query, Service},
    problem::{Code, Problem, ProblemDocument},
    validation::Violations,
    wire::{MenuItemPage, PageQuery, QueryInteger},
};

const LIST: &str = "menu-items";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only menu items under this heading.
    #[param(pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", min_length = 1, max_length = 60)]
    category: Option<String>,
    /// Only menu items whose name contains this, or a word much like it, whatever the case: `carbonra` finds Carbonara.
    #[param(pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", max_length = 120)]
    q: Option<String>,
    // Described by `PageQuery`; a struct within a struct cannot be read from a query string and refuse unknown parameters.
    #[param(ignore)]
    limit: Option<QueryInteger>,
    #[param(ignore)]
    cursor: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Position {
    category: String,
    name: String,
    id: Uuid,
}

impl Position {
    fn of(item: &MenuItem) -> Self {
        let details = &item.details;
        Self { category: details.category.to_string(), name: details.name.to_string(), id: item.id.as_uuid() }
    }

    fn read(self) -> Result<MenuPosition, Problem> {
        let invalid = |_| Problem::new(Code::InvalidCursor, "The cursor does not come from this list.");
        Ok(MenuPosition {
            category: Category::new(&self.category).map_err(invalid)?,
            name: MenuItemName::new(&self.name).map_err(invalid)?,
            id: MenuItemId::new(self.id),
        })
    }
}

/// Lists menu items by category and name
#[utoipa::path(
    get, path = "/v1/menu/items", tag = "menu", security((), ("bearer" = [])),
    params(Filter, PageQuery),
    responses(
        (status = 200, body = MenuItemPage),
        (status = 400, description = "`invalid-cursor`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn list_items(
    menu: Service<Menu>,
    cursors: Service<CursorSigner>,
    MaybeSignedIn(reader): MaybeSignedIn,
    Query(filter): Query<Filter>,
) -> Result<HttpResponse, Problem> {
    let page = PageQuery { limit: filter.limit, cursor: filter.cursor };
    let mut violations = Violations::default();
    let limit = page.limit(&mut violations);
    let category = violations.check_optional("/category", filter.category.as_deref().map(Category::new));
    // Matched, not stored: only what could not even be compared is refused.
    let name = filter.q.filter(|q| !q.is_empty());
    let name = violations.check_optional("/q", name.as_deref().map(MenuItemName::new)).map(|name| name.to_string());
    let limit = violations.finish(limit)?;
    let after = page.after::<Position>(LIST, &cursors)?.map(Position::read).transpose()?;

    let found = menu
        .list(reader, category, name, after, limit)
        .await
        .map_err(|cause| Problem::unavailable("menu.read", &cause))?;
    let next = found.entries.last().filter(|_| found.has_more).map(|last| cursors.sign(LIST, &Position::of(last)));
    Ok(HttpResponse::Ok().json(MenuItemPage::new(&found, shown_to(reader), next)))
}
