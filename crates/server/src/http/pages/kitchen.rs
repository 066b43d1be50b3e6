use actix_web::{HttpRequest, HttpResponse};

use super::{Pages, language::Language};
use crate::http::extract::Service;

/// Shows the kitchen its tickets, once somebody of the staff has signed in
///
/// The page itself holds no data: it asks for that as any client does.
#[utoipa::path(
    get, path = "/kitchen", operation_id = "get_kitchen_page", tag = "pages",
    params(
        ("lang" = Option<String>, Query, description = "`en` or `de`; otherwise `Accept-Language` decides"),
        ("station" = Option<String>, Query, description = "The station whose tickets the page shows; all without"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the page the caller has"),
    ),
    responses(
        (status = 200, description = "An HTML page", body = String, content_type = "text/html",
            headers(("ETag" = String, description = "Changes with the release"))),
        (status = 304, description = "The caller's page is the current one"),
    )
)]
pub async fn kitchen(pages: Service<Pages>, request: HttpRequest) -> HttpResponse {
    pages.kitchen.respond(Language::of(&request), &request)
}
