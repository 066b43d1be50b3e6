use actix_web::{HttpResponse, web::Data};
use comanda_application::menu::{ArchiveMenuItem, ReadMenuItem};

use super::{edit_item::revision_seen, edit_problem};
use crate::http::{
    extract::{IfMatch, MenuItemIdPath, Staff},
    problem::{Problem, ProblemDocument},
};

/// Takes a menu item off the menu for good; old orders keep it
#[utoipa::path(
    delete, path = "/v1/menu/items/{id}", tag = "menu",
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header, pattern = r#"^(\*|"[0-9]+"(, *"[0-9]+")*)$"#, description = "The `ETag` the caller has seen")),
    responses(
        (status = 204),
        (status = 404, description = "`not-found`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "`precondition-failed`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 428, description = "`precondition-required`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn archive_item(
    use_case: Data<ArchiveMenuItem>,
    items: Data<ReadMenuItem>,
    Staff(staff): Staff,
    MenuItemIdPath(id): MenuItemIdPath,
    if_match: IfMatch,
) -> Result<HttpResponse, Problem> {
    let revision = revision_seen(&items, staff, id, &if_match).await?;
    use_case.execute(staff, id, revision).await.map_err(edit_problem)?;
    Ok(HttpResponse::NoContent().finish())
}
