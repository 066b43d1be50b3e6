use actix_web::HttpResponse;
use comanda_application::Menu;

use super::{edit_item::revision_seen, edit_problem};
use crate::http::{
    extract::{IfMatch, MenuItemIdPath, Service, Staff},
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
    menu: Service<Menu>,
    Staff(staff): Staff,
    MenuItemIdPath(id): MenuItemIdPath,
    if_match: IfMatch,
) -> Result<HttpResponse, Problem> {
    let revision = revision_seen(&menu, staff, id, &if_match).await?;
    menu.archive(staff, id, revision).await.map_err(edit_problem)?;
    Ok(HttpResponse::NoContent().finish())
}
