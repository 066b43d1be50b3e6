use actix_web::HttpResponse;
use comanda_application::Menu;
use comanda_domain::{MenuItemId, ports::EditMenuItemError};

use super::edit::revision_seen;
use crate::http::{
    extract::{IfMatch, Path, Service, Staff},
    problem::Failure,
};

/// Takes a menu item off the menu for good; old orders keep it
#[utoipa::path(
    delete, path = "/v1/menu/items/{id}", operation_id = "archive_menu_item",
    responses((status = 204, description = "The menu item is off the menu"))
)]
pub async fn archive(
    menu: Service<Menu>,
    Staff(staff): Staff,
    Path(id): Path<MenuItemId>,
    if_match: IfMatch,
) -> Result<HttpResponse, Failure<EditMenuItemError>> {
    let revision = revision_seen(&menu, staff, id, &if_match).await?;
    menu.archive(staff, id, revision).await?;
    Ok(HttpResponse::NoContent().finish())
}
