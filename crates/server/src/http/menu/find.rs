use actix_web::HttpResponse;
use comanda_application::Menu;
use comanda_domain::{MenuItemId, ports::Unavailable};

use super::{etag, shown_to};
use crate::http::{
    extract::{MaybeSignedIn, Path, Service},
    problem::{Failure, Problem},
    wire::MenuItemResponse,
};

/// Shows a menu item; staff also see its stock
///
/// The `ETag` is the revision, which `If-Match` of a change names. Sales do not change it.
#[utoipa::path(
    get, path = "/v1/menu/items/{id}", operation_id = "get_menu_item",
    responses((status = 200, description = "The menu item", body = MenuItemResponse,
        headers(("ETag" = String, description = "The revision"))))
)]
pub async fn find(
    menu: Service<Menu>,
    MaybeSignedIn(reader): MaybeSignedIn,
    Path(id): Path<MenuItemId>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let item = menu.find(reader, id).await?.ok_or_else(|| Problem::not_found("menu item"))?;
    Ok(HttpResponse::Ok().insert_header(etag(&item)).json(MenuItemResponse::new(&item, shown_to(reader))))
}
