use actix_web::{HttpRequest, HttpResponse};
use comanda_application::Menu;

use super::MenuRenderer;
use crate::http::{extract::Service, problem::Problem, wire::MenuResponse};

/// Shows the whole menu by category
#[utoipa::path(
    get, path = "/v1/menu", tag = "menu", security(()),
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of the menu the caller has")),
    responses(
        (status = 200, body = MenuResponse, headers(("ETag" = String))),
        (status = 304, description = "The caller's menu is the current one"),
    )
)]
pub async fn whole(
    menu: Service<Menu>,
    renderer: Service<MenuRenderer>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let menu = menu.whole().await.map_err(|cause| Problem::unavailable("menu.read", &cause))?;
    Ok(renderer.render(menu).respond(&request))
}
