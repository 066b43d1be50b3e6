use actix_web::HttpResponse;
use comanda_application::Menu;
use comanda_domain::{OptionGroupId, ports::ArchiveOptionGroupError};

use super::edit::revision_seen;
use crate::http::{
    extract::{IfMatch, Path, Service, Staff},
    problem::{Failure, Problem, problems},
};

/// Puts an option group that no menu item offers away for good; old orders keep their selections
///
/// Needs `If-Match`. Where menu items offer it, the problem lists them.
#[utoipa::path(
    delete, path = "/v1/menu/option-groups/{id}", operation_id = "archive_option_group",
    responses((status = 204, description = "The option group is put away"))
)]
pub async fn archive_option_group(
    menu: Service<Menu>,
    Staff(staff): Staff,
    Path(id): Path<OptionGroupId>,
    if_match: IfMatch,
) -> Result<HttpResponse, Failure<ArchiveOptionGroupError>> {
    let revision = revision_seen(&menu, id, &if_match, ArchiveOptionGroupError::NotFound).await?;
    menu.archive_option_group(staff, id, revision).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<ArchiveOptionGroupError> for Problem {
    fn from(error: ArchiveOptionGroupError) -> Self {
        match error {
            ArchiveOptionGroupError::NotFound => Self::not_found("option group"),
            ArchiveOptionGroupError::Stale { current } => Self::stale(current),
            ArchiveOptionGroupError::InUse(used_by) => Self::in_use("Menu items offer the group.", used_by),
            ArchiveOptionGroupError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    ArchiveOptionGroupError: [NotFound, PreconditionFailed, InUse, Unavailable];
    NotFound,
    Stale { current: 2 },
    InUse(vec![comanda_domain::ports::UsedBy::MenuItem {
        id: comanda_domain::MenuItemId::new(uuid::Uuid::nil()),
        name: comanda_domain::MenuItemName::stored("Burrito")
    }]),
    Unavailable(Unavailable::new("test")),
}
