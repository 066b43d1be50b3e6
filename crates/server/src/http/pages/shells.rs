//! The pages that hold no data: they ask for it as any client does.

use actix_web::{HttpRequest, HttpResponse};

use super::{Pages, language::Language};
use crate::http::extract::Service;

macro_rules! shells {
    ($(
        $(#[doc = $doc:tt])+
        $page:ident at $path:tt as $operation:tt $(with ($($parameter:tt)+))?;
    )+) => {
        $(
            $(#[doc = $doc])+
            ///
            /// The page itself holds no data: it asks for that as any client does.
            #[utoipa::path(
                get, path = $path, operation_id = $operation, tag = "pages",
                params(
                    ("lang" = Option<String>, Query, description = "`en` or `de`; otherwise `Accept-Language` decides"),
                    $(($($parameter)+),)?
                    ("If-None-Match" = Option<String>, Header, description = "The `ETag` of the page the caller has"),
                ),
                responses(
                    (status = 200, description = "An HTML page", body = String, content_type = "text/html",
                        headers(
                            ("ETag" = String, description = "Changes with the release"),
                            ("Vary" = String, description = "`accept-encoding, accept-language`"),
                            ("Content-Language" = String, description = "`en` or `de`"),
                        )),
                    (status = 304, description = "The caller's page is the current one"),
                )
            )]
            pub async fn $page(pages: Service<Pages>, request: HttpRequest) -> HttpResponse {
                pages.$page.respond(Language::of(&request), &request)
            }
        )+
    };
}

shells! {
    /// Shows the kitchen its tickets, once somebody of the staff has signed in
    kitchen at "/kitchen" as "get_kitchen_page" with (
        "station" = Option<String>, Query, description = "The station whose tickets the page shows; all without"
    );
    /// Shows the office what there is to run a restaurant by, once somebody of the staff has signed in
    office at "/office" as "get_office_page";
}
