use std::{collections::BTreeMap, sync::LazyLock};

use actix_web::{
    HttpResponse,
    http::{Method, StatusCode},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ComponentsBuilder, ContentBuilder, Header, HeaderBuilder, InfoBuilder, License, ObjectBuilder, OpenApi,
        OpenApiBuilder, PathItem, Paths, Ref, RefOr, Response, ResponseBuilder, Tag,
        path::Operation,
        schema::Type,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
        tag::TagBuilder,
    },
};

use super::{Access, page::Docs, text, webhooks::webhooks};
use crate::http::{
    extract::Service,
    problem::{Code, Problem, ProblemDocument},
    routes::{Class, ENDPOINTS, Endpoint},
};

const TAGS: [(&str, &str); 11] = [
    ("orders", "Placing orders, and seeing them through"),
    ("menu", "What can be ordered, and how much of it is left"),
    ("kitchen", "Stations and their tickets: who makes what of an order, and how far it is"),
    ("supplies", "What is counted besides menu items: ingredients, and the portions of options"),
    ("accounts", "Who may do what"),
    ("sessions", "Signing in and out, from programs and from browsers"),
    ("payments", "Paying for orders, and giving money back"),
    ("sales", "What was sold"),
    ("events", "Events, which are delivered to subscribers"),
    ("operations", "Running the server: lockouts, feature flags, the audit log, and its health"),
    ("documentation", "This document, a page to try it, and the pages that explain problems"),
];

/// The methods that an item of the document has.
pub fn operations_of(item: &PathItem) -> impl Iterator<Item = (Method, &Operation)> {
    let operations = [
        (Method::GET, &item.get),
        (Method::POST, &item.post),
        (Method::PUT, &item.put),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
    ];
    operations.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

/// The document as JSON.
pub fn document() -> &'static str {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
        // A tree of texts and numbers can be written.
        let mut json = assemble().to_pretty_json().unwrap_or_default();
        json.push('\n');
        json
    });
    &DOCUMENT
}

/// Shows this document
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "get_openapi_document", tag = "documentation",
    responses((status = 200, description = "This document", body = Object))
)]
pub async fn json(docs: Service<Docs>) -> Result<HttpResponse, Problem> {
    docs.ensure_served()?;
    Ok(HttpResponse::Ok()
        .insert_header(("cache-control", "public, no-cache"))
        .content_type("application/json")
        .body(document()))
}

fn assemble() -> OpenApi {
    let (mut paths, mut schemas) = (Paths::new(), Vec::new());
    for endpoint in ENDPOINTS.iter() {
        let document = endpoint.document.clone();
        schemas.extend(document.components.into_iter().flat_map(|components| components.schemas));
        for (path, mut item) in document.paths.paths {
            let all = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
            all.into_iter().flatten().for_each(|operation| complete(operation, endpoint));
            paths.paths.entry(path).or_default().merge_operations(item);
        }
    }
    schemas.push((ProblemDocument::name().into_owned(), ProblemDocument::schema()));
    ProblemDocument::schemas(&mut schemas);
    let webhooks = webhooks(&mut schemas);
    let components = ComponentsBuilder::new().schemas_from_iter(schemas);
    let components =
        headers().into_iter().fold(components, |components, (name, header)| components.header(name, header));
    let components = security_schemes()
        .into_iter()
        .fold(components, |components, (name, scheme)| components.security_scheme(name, scheme));
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Comanda")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some("Takes a restaurant's orders and never sells a menu item that is not there."))
                .license(Some(license()))
                .build(),
        )
        .tags(Some(tags()))
        .paths(paths)
        .webhooks(Some(webhooks))
        .components(Some(components.build()))
        .build()
}

fn license() -> License {
    let mut license = License::new("MIT OR Apache-2.0");
    license.identifier = Some("MIT OR Apache-2.0".to_owned());
    license
}

fn tags() -> Vec<Tag> {
    TAGS.map(|(name, description)| TagBuilder::new().name(name).description(Some(description)).build()).into()
}

/// Adds what follows from a handler's signature to what its attribute says.
fn complete(operation: &mut Operation, endpoint: &Endpoint) {
    let description = &endpoint.description;
    let safe = endpoint.method.is_safe();
    operation.security = Some(credentials(description.access, safe));
    operation.parameters.get_or_insert_default().extend(description.parameters.iter().cloned().map(RefOr::T));

    let responses = &mut operation.responses.responses;
    for (status, response) in responses.iter_mut() {
        if let RefOr::T(response) = response {
            if description.replays && status.starts_with('2') {
                response.headers.insert("Idempotency-Replayed".to_owned(), header_ref("Idempotency-Replayed"));
            }
            response.headers.insert("X-Request-Id".to_owned(), header_ref("X-Request-Id"));
        }
    }
    let mut codes = description.problems.clone();
    codes.insert(Code::Internal);
    if endpoint.class != Class::Probe {
        codes.insert(Code::Unavailable);
    }
    if !safe {
        codes.insert(Code::UnsupportedMediaType);
    }
    if description.access == Access::SignedIn && !safe {
        codes.extend([Code::InvalidOrigin, Code::InvalidCsrfToken]);
    }
    let mut by_status: BTreeMap<StatusCode, Vec<Code>> = BTreeMap::new();
    for code in codes {
        by_status.entry(code.status()).or_default().push(code);
    }
    for (status, codes) in by_status {
        responses.entry(status.as_str().to_owned()).or_insert_with(|| problem_response(status, &codes).into());
    }
}

fn problem_response(status: StatusCode, codes: &[Code]) -> Response {
    let described: Vec<String> = codes.iter().map(|code| format!("`{}`: {}.", code.as_str(), code.title())).collect();
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = ResponseBuilder::new()
        .description(described.join("\n\n"))
        .content("application/problem+json", problem)
        .header_ref("X-Request-Id", Ref::new("#/components/headers/X-Request-Id"));
    let rate_limits = ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"];
    let rate_limits = rate_limits.into_iter().filter(|_| codes.contains(&Code::RateLimited));
    let response = rate_limits
        .fold(response, |response, name| response.header_ref(name, Ref::new(format!("#/components/headers/{name}"))));
    let response = match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            response.header_ref("Retry-After", Ref::new("#/components/headers/Retry-After"))
        }
        StatusCode::UNAUTHORIZED => {
            response.header_ref("WWW-Authenticate", Ref::new("#/components/headers/WWW-Authenticate"))
        }
        _ => response,
    };
    response.build()
}

fn header_ref(name: &str) -> RefOr<Header> {
    RefOr::Ref(Ref::new(format!("#/components/headers/{name}")))
}

fn headers() -> [(&'static str, Header); 7] {
    let header = |schema: ObjectBuilder, description: &str| {
        HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
    };
    let number = |minimum: i32| ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(minimum));
    [
        ("X-Request-Id", header(text(), "The request's own, if that is a sane token; otherwise a new one")),
        ("Retry-After", header(number(1), "After how many seconds another attempt may succeed")),
        ("Idempotency-Replayed", header(text().enum_values(Some(["true"])), "This is the first response again")),
        ("RateLimit-Limit", header(number(1), "How many attempts an address has")),
        ("RateLimit-Remaining", header(number(0), "How many of them are left")),
        ("RateLimit-Reset", header(number(1), "After how many seconds all of them are back")),
        ("WWW-Authenticate", header(text(), "`Bearer`, unless a password was wrong")),
    ]
}

fn security_schemes() -> [(&'static str, SecurityScheme); 3] {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The `access_token` of `POST /v1/sessions`"));
    let cookie = ApiKeyValue::with_description(
        "__Host-session",
        "The cookie of `POST /v1/web/sessions`. Requests that change something must come from an allowed origin",
    );
    let csrf = ApiKeyValue::with_description(
        "X-CSRF-Token",
        "The `csrf_token` of `POST /v1/web/sessions`, which is in the cookie `__Host-csrf` as well",
    );
    [
        ("bearer", SecurityScheme::Http(bearer.build())),
        ("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie))),
        ("csrf", SecurityScheme::ApiKey(ApiKey::Header(csrf))),
    ]
}

/// An empty list: none are looked at. An empty requirement in it: they may be left out.
fn credentials(access: Access, safe: bool) -> Vec<SecurityRequirement> {
    const NO_SCOPES: [&str; 0] = [];
    let bearer = SecurityRequirement::new("bearer", NO_SCOPES);
    let cookie = SecurityRequirement::new("cookie", NO_SCOPES);
    let cookie = if safe { cookie } else { cookie.add("csrf", NO_SCOPES) };
    match access {
        Access::Anyone => Vec::new(),
        Access::MaybeSignedIn => vec![SecurityRequirement::default(), bearer, cookie],
        Access::SignedIn => vec![bearer, cookie],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn parsed() -> Value {
        serde_json::from_str(document()).unwrap()
    }

    fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
        document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter();
            operations.map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
        })
    }

    #[test]
    fn the_committed_document_is_current() {
        let committed = include_str!("../../../../../openapi.json");
        assert!(
            committed == document(),
            "openapi.json is out of date: cargo run -p comanda-server -- openapi > openapi.json"
        );
    }

    #[test]
    fn everything_that_is_referred_to_is_there() {
        fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
            match value {
                Value::Object(members) => members.iter().for_each(|(name, member)| match member.as_str() {
                    Some(reference) if name == "$ref" => {
                        found.insert(reference);
                    }
                    _ => references(member, found),
                }),
                Value::Array(entries) => entries.iter().for_each(|entry| references(entry, found)),
                _ => {}
            }
        }
        let (document, mut found) = (parsed(), BTreeSet::new());
        references(&document, &mut found);
        assert!(found.len() > 30);
        for reference in found {
            assert!(document.pointer(&reference[1..]).is_some(), "{reference} is missing");
        }
    }

    #[test]
    fn every_operation_is_complete() {
        let document = parsed();
        let tags: BTreeSet<_> = document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str()).collect();
        let mut ids = BTreeSet::new();
        for (name, operation) in operations(&document) {
            let id = operation["operationId"].as_str().unwrap();
            assert!(id.contains('_'), "{name}: {id} is not a verb and a noun");
            assert!(ids.insert(id), "{name}: {id} is taken");
            assert!(tags.contains(&operation["tags"][0].as_str()) && operation["summary"].is_string(), "{name}");
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert!(status.parse::<u16>().is_ok(), "{name}: {status}");
                assert!(!response["description"].as_str().unwrap_or_default().is_empty(), "{name}: {status}");
                assert!(response["headers"]["X-Request-Id"].is_object(), "{name}: {status}");
            }
        }
    }

    #[test]
    fn a_segment_of_a_path_is_a_parameter() {
        for (name, operation) in operations(&parsed()) {
            let declared: Vec<&str> = operation["parameters"].as_array().map_or_else(Vec::new, |parameters| {
                let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
                in_path.map(|parameter| parameter["name"].as_str().unwrap()).collect()
            });
            let segments: Vec<&str> = name.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
            assert_eq!(declared, segments, "{name}");
        }
    }

    #[test]
    fn every_type_of_event_has_a_webhook() {
        let document = parsed();
        let types = document["components"]["schemas"]["EventType"]["enum"].as_array().unwrap().iter();
        let types: BTreeSet<&str> = types.map(|event| event.as_str().unwrap()).collect();
        let webhooks = document["webhooks"].as_object().unwrap().keys().map(String::as_str);
        assert_eq!(webhooks.collect::<BTreeSet<_>>(), types);
    }

    #[test]
    fn constraints_are_stated() {
        let document = parsed();
        let line = &document["components"]["schemas"]["OrderLineRequest"]["properties"]["quantity"];
        assert_eq!((&line["minimum"], &line["maximum"]), (&1.into(), &100.into()), "{line}");
        let items = &document["components"]["schemas"]["PlaceOrderRequest"]["properties"]["items"];
        assert_eq!((&items["minItems"], &items["maxItems"]), (&1.into(), &50.into()));
    }
}
