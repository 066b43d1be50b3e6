use actix_web::HttpResponse;
use comanda_application::Menu;
use comanda_domain::{MenuItemId, ports::ArchiveMenuItemError};

use super::edit::revision_seen;
use crate::http::{
    extract::{IfMatch, Path, Service, Staff},
    problem::{Failure, Problem, problems},
};

/// Takes a menu item off the menu for good; old orders keep it
///
/// Needs `If-Match`, so that nobody's change is overwritten unseen.
#[utoipa::path(
    delete, path = "/v1/menu/items/{id}", operation_id = "archive_menu_item",
    responses((status = 204, description = "The menu item is off the menu"))
)]
pub async fn archive(
    menu: Service<Menu>,
    Staff(staff): Staff,
    Path(id): Path<MenuItemId>,
    if_match: IfMatch,
) -> Result<HttpResponse, Failure<ArchiveMenuItemError>> {
    let revision = revision_seen(&menu, staff, id, &if_match, ArchiveMenuItemError::NotFound).await?;
    menu.archive(staff, id, revision).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<ArchiveMenuItemError> for Problem {
    fn from(error: ArchiveMenuItemError) -> Self {
        match error {
            ArchiveMenuItemError::NotFound => Self::not_found("menu item"),
            ArchiveMenuItemError::Stale { current } => Self::stale(current),
            ArchiveMenuItemError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    ArchiveMenuItemError: [NotFound, PreconditionFailed, Unavailable];
    NotFound,
    Stale { current: 2 },
    Unavailable(Unavailable::new("test")),
}
