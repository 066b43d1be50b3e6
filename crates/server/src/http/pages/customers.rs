use actix_web::{HttpRequest, HttpResponse};
use comanda_application::Menu;
use comanda_domain::ports::Unavailable;

use super::{Pages, language::Language};
use crate::http::{
    extract::Service,
    problem::{Code, Failure, Problem},
};

/// Shows the menu to customers, who order from it
///
/// It can be read without JavaScript, in English or German: by `Accept-Language`, or `?lang=`.
#[utoipa::path(
    get, path = "/", operation_id = "get_customer_page", tag = "pages",
    params(
        ("lang" = Option<String>, Query, description = "`en` or `de`; otherwise `Accept-Language` decides"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the page the caller has"),
    ),
    responses(
        (status = 200, description = "An HTML page", body = String, content_type = "text/html",
            headers(
                ("ETag" = String, description = "Changes with every change that a customer can see"),
                ("Cache-Control" = String, description = "`public, no-cache`: to be asked for again before each use"),
                ("Vary" = String, description = "`accept-encoding, accept-language`"),
                ("Content-Language" = String, description = "`en` or `de`"),
            )),
        (status = 304, description = "The caller's page is the current one"),
    )
)]
pub async fn customers(
    menu: Service<Menu>,
    pages: Service<Pages>,
    request: HttpRequest,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let menu = menu.whole().await?;
    let page = pages.respond(menu, Language::of(&request), &request);
    Ok(page.map_err(|error| {
        tracing::error!(%error, "the page for customers cannot be rendered");
        Problem::new(Code::Internal, "Something went wrong.")
    })?)
}
