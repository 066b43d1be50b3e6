use actix_web::HttpResponse;
use comanda_application::Menu;

use super::{etag, shown_to};
use crate::http::{
    extract::{MaybeSignedIn, MenuItemIdPath, Service},
    problem::{Problem, ProblemDocument},
    wire::MenuItemResponse,
};

/// Shows a menu item; staff also see its stock
#[utoipa::path(
    get, path = "/v1/menu/items/{id}", tag = "menu", security((), ("bearer" = [])),
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = 200, body = MenuItemResponse, headers(("ETag" = String, description = "The revision"))),
        (status = 404, description = "`not-found`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn item(
    menu: Service<Menu>,
    MaybeSignedIn(reader): MaybeSignedIn,
    MenuItemIdPath(id): MenuItemIdPath,
) -> Result<HttpResponse, Problem> {
    let item = menu
        .find(reader, id)
        .await
        .map_err(|cause| Problem::unavailable("menu.read", &cause))?
        .ok_or_else(|| Problem::not_found("menu item"))?;
    Ok(HttpResponse::Ok().insert_header(etag(&item)).json(MenuItemResponse::new(&item, shown_to(reader))))
}
