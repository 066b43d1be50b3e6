//! The OpenAPI document, generated from the handlers.

mod page;

use actix_web::HttpResponse;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        ContentBuilder, Ref, ResponseBuilder,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

pub use self::page::{file, page};
use super::{accounts, events, menu, operations, orders, payments, sales, sessions};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Comanda",
        description = "Takes a restaurant's orders and never sells a menu item that is not there.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        accounts::register,
        sessions::log_in,
        sessions::refresh_session,
        sessions::log_out,
        sessions::log_in_browser,
        sessions::log_out_browser,
        accounts::me,
        accounts::update_me,
        accounts::change_password,
        menu::whole,
        menu::list_items,
        menu::add_item,
        menu::item,
        menu::edit_item,
        menu::archive_item,
        menu::adjust_stock,
        orders::place,
        orders::list,
        orders::order,
        orders::cancel,
        orders::advance,
        payments::pay,
        payments::settle,
        payments::refund,
        payments::stripe_webhook,
        payments::offline_pay,
        operations::lockouts,
        operations::lockout,
        operations::unlock,
        accounts::accounts,
        accounts::change_account,
        operations::audit_log,
        operations::flag,
        operations::set_flag,
        events::dead_letters,
        events::resend,
        sales::top_items,
        sales::sales,
        sessions::jwks,
        operations::live,
        operations::ready,
    ),
    modifiers(&Credentials, &AnyProblem),
    security(("bearer" = []), ("cookie" = [])),
)]
struct ApiDocument;

struct Credentials;

impl Modify for Credentials {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("The access_token of POST /v1/sessions"))
            .build();
        openapi.components.get_or_insert_default().add_security_scheme("bearer", SecurityScheme::Http(scheme));
        let cookie = ApiKeyValue::with_description(
            "__Host-session",
            "The cookie of POST /v1/web/sessions; what changes something needs X-CSRF-Token and an Origin as well",
        );
        let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(cookie));
        openapi.components.get_or_insert_default().add_security_scheme("cookie", cookie);
    }
}

/// What any operation may answer beside what it lists: a problem, always of the same shape.
struct AnyProblem;

impl Modify for AnyProblem {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = ResponseBuilder::new()
            .description("A problem document (RFC 9457); `code` says which")
            .content("application/problem+json", problem)
            .build();
        for path in openapi.paths.paths.values_mut() {
            let operations = [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete];
            for operation in operations.into_iter().flatten() {
                operation.responses.responses.insert("default".to_owned(), response.clone().into());
            }
        }
    }
}

/// The document as JSON.
pub fn document() -> String {
    // Generated at compile time from types that serialize.
    ApiDocument::openapi().to_pretty_json().unwrap_or_default()
}

pub async fn json() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("cache-control", "public, no-cache"))
        .content_type("application/json")
        .body(document())
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_schema_that_is_referred_to_is_there() {
        let text = super::document();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        let references = text.lines().filter_map(|line| line.trim().strip_prefix("\"$ref\": \"#"));
        let mut count = 0;
        for reference in references {
            let pointer = reference.trim_end_matches(['"', ',']);
            assert!(document.pointer(pointer).is_some(), "{pointer} is missing");
            count += 1;
        }
        assert!(count > 20);
    }

    #[test]
    fn constraints_are_stated() {
        let document: serde_json::Value = serde_json::from_str(&super::document()).unwrap();
        let line = &document["components"]["schemas"]["OrderLineRequest"]["properties"]["quantity"];
        assert_eq!((&line["minimum"], &line["maximum"]), (&1.into(), &100.into()), "{line}");
        let items = &document["components"]["schemas"]["PlaceOrderRequest"]["properties"]["items"];
        assert_eq!((&items["minItems"], &items["maxItems"]), (&1.into(), &50.into()));
    }
}
