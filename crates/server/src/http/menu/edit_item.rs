use actix_web::HttpResponse;
use comanda_application::Menu;
use comanda_domain::{account::StaffMember, ids::MenuItemId, money::Currency};

use super::{edit_problem, etag};
use crate::http::{
    extract::{IfMatch, Json, MenuItemIdPath, Service, Staff},
    problem::{Problem, ProblemDocument},
    wire::{MenuItemResponse, PatchMenuItemRequest, Shown},
};

/// Changes a menu item, but not its stock
#[utoipa::path(
    patch, path = "/v1/menu/items/{id}", tag = "menu",
    params(("id" = uuid::Uuid, Path), ("If-Match" = String, Header, pattern = r#"^(\*|"[0-9]+"(, *"[0-9]+")*)$"#, description = "The `ETag` the caller has seen")),
    request_body = PatchMenuItemRequest,
    responses(
        (status = 200, body = MenuItemResponse, headers(("ETag" = String))),
        (status = 404, description = "`not-found`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 412, description = "`precondition-failed`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`validation-failed`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 428, description = "`precondition-required`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn edit_item(
    menu: Service<Menu>,
    currency: Service<Currency>,
    Staff(staff): Staff,
    MenuItemIdPath(id): MenuItemIdPath,
    if_match: IfMatch,
    Json(request): Json<PatchMenuItemRequest>,
) -> Result<HttpResponse, Problem> {
    let edit = request.validate(*currency)?;
    let revision = revision_seen(&menu, staff, id, &if_match).await?;
    let item = menu.edit(staff, id, revision, edit).await.map_err(edit_problem)?;
    Ok(HttpResponse::Ok().insert_header(etag(&item)).json(MenuItemResponse::new(&item, Shown::ToStaff)))
}

/// The one revision that `If-Match` asks for. Only a list of several, or `*`, has to be held against the item first.
pub(super) async fn revision_seen(
    menu: &Menu,
    staff: StaffMember,
    id: MenuItemId,
    if_match: &IfMatch,
) -> Result<u32, Problem> {
    if let IfMatch::Revisions(named) = if_match
        && let [revision] = named[..]
    {
        return Ok(revision);
    }
    let item = menu.find_for_staff(staff, id).await.map_err(|cause| Problem::unavailable("menu.read", &cause))?;
    Ok(if_match.revision_given(item.ok_or_else(|| Problem::not_found("menu item"))?.revision))
}
