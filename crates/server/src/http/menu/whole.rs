use actix_web::{HttpRequest, HttpResponse};
use comanda_application::Menu;
use comanda_domain::ports::Unavailable;

use super::{MenuRenderer, rendered_menu::MenuResponse};
use crate::http::{extract::Service, problem::Failure};

/// Shows the whole menu by category
///
/// From memory, and the same for everybody: how much is left is said as `in_stock`, `low` or `sold_out`. With `If-None-
/// Match` the response is 304 while nothing has changed.
#[utoipa::path(
    get, path = "/v1/menu", operation_id = "get_menu",
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of the menu the caller has")),
    responses(
        (status = 200, description = "The menu", body = MenuResponse,
            headers(
                ("ETag" = String, description = "Changes with every change that a customer can see"),
                ("Cache-Control" = String, description = "`public, no-cache`: to be asked for again before each use"),
                ("Vary" = String, description = "`accept-encoding`"),
            )),
        (status = 304, description = "The caller's menu is the current one"),
    )
)]
pub async fn whole(
    menu: Service<Menu>,
    renderer: Service<MenuRenderer>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure<Unavailable>> {
    Ok(renderer.render(menu.whole().await?).respond(&request))
}
