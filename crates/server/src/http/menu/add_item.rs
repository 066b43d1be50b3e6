use actix_web::{HttpResponse, http::header};
use comanda_application::Menu;
use comanda_domain::money::Currency;

use super::etag;
use crate::http::{
    extract::{Json, Service, Staff},
    problem::{Problem, ProblemDocument},
    wire::{MenuItemResponse, NewMenuItemRequest, Shown},
};

/// Puts a menu item on the menu
#[utoipa::path(
    post, path = "/v1/menu/items", tag = "menu",
    request_body = NewMenuItemRequest,
    responses(
        (status = 201, body = MenuItemResponse, headers(("Location" = String), ("ETag" = String))),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`validation-failed`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn add_item(
    menu: Service<Menu>,
    currency: Service<Currency>,
    Staff(staff): Staff,
    Json(request): Json<NewMenuItemRequest>,
) -> Result<HttpResponse, Problem> {
    let (details, stock) = request.validate(*currency)?;
    let item = menu.add(staff, details, stock).await.map_err(|cause| Problem::unavailable("menu.update", &cause))?;
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, format!("/v1/menu/items/{}", item.id)))
        .insert_header(etag(&item))
        .json(MenuItemResponse::new(&item, Shown::ToStaff)))
}
