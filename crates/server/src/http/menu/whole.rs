use actix_web::{HttpRequest, HttpResponse, web::Data};
use comanda_application::menu::ReadMenu;

use super::MenuRenderer;
use crate::http::{problem::Problem, wire::MenuResponse};

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
    use_case: Data<ReadMenu>,
    renderer: Data<MenuRenderer>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let menu = use_case.execute().await.map_err(|cause| Problem::unavailable("menu.read", &cause))?;
    Ok(renderer.render(menu).respond(&request))
}
