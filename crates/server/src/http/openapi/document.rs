//! The document: what every endpoint says of itself, and what they share.

use std::sync::LazyLock;

use actix_web::{HttpResponse, http::Method};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ComponentsBuilder, ContactBuilder, InfoBuilder, License, OpenApi, OpenApiBuilder, PathItem, Paths,
        ServerBuilder, Tag, path::Operation, tag::TagBuilder,
    },
};

use super::{
    components::{headers, security_schemes},
    operation::{codes, complete},
    page::{Docs, DocsError},
    problems::problems,
    webhooks::webhooks,
};
use crate::http::{extract::Service, problem::Failure, routes::ENDPOINTS, wire::MomentOrDate};

const TAGS: [(&str, &str); 12] = [
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
    ("pages", "What people see in a browser; everything behind it is this API"),
    ("documentation", "This document, a page to try it, and the pages that explain problems"),
];

const DESCRIPTION: &str = "Takes a restaurant's orders and never sells a menu item that is not there.\n\nBodies are \
    JSON in UTF-8, times are RFC 3339 in UTC, money is in minor units of one currency. What fails is a problem (RFC \
    9457), whose `code` never changes; each response lists the codes that it can have. A request that changes \
    something can be repeated under one `Idempotency-Key`. Every example of a request is sent to a server whenever \
    Comanda is tested.\n\nBesides what an operation lists, its path responds with 405 `method-not-allowed` to other \
    methods, and the server with `invalid-request` to what it cannot read as HTTP: 400, or 408 if the head of the \
    request does not arrive in time, or 431 if it is too large. `email-unverified` is reserved: nothing responds with \
    it yet. A response without a `Cache-Control` here has `no-store`.\n\nThe source code has a guide \
    (`docs/guide/src`), all events of webhooks and streams (`docs/events.md`), and how this API changes \
    (`docs/deprecation.md`). Each problem code has a page at `/problems/{code}`.";

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
///
/// The same for every caller. It is also in the source code, so that each change of the API is a difference between two
/// versions.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "get_openapi_document", tag = "documentation",
    responses((status = 200, description = "This document", body = Object,
        headers(("Cache-Control" = String, description = "`public, no-cache`: to be asked for again before each use"))))
)]
pub async fn json(docs: Service<Docs>) -> Result<HttpResponse, Failure<DocsError>> {
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
    // Parameters bring no schemas with them.
    schemas.push((MomentOrDate::name().into_owned(), MomentOrDate::schema()));
    schemas.extend(problems(&ENDPOINTS.iter().flat_map(codes).collect()));
    let webhooks = webhooks(&mut schemas);
    let something_leaves = ENDPOINTS.iter().any(|endpoint| endpoint.leaving.is_some());
    let components = ComponentsBuilder::new().schemas_from_iter(schemas);
    let components = headers(something_leaves)
        .into_iter()
        .fold(components, |components, (name, header)| components.header(name, header));
    let components = security_schemes()
        .into_iter()
        .fold(components, |components, (name, scheme)| components.security_scheme(name, scheme));
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Comanda")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(DESCRIPTION))
                .contact(Some(ContactBuilder::new().name(Some("The maintainers of Comanda")).build()))
                .license(Some(license()))
                .build(),
        )
        // Where the document is from.
        .servers(Some([ServerBuilder::new()
            .url("/")
            .description(Some("The server that this document is from"))
            .build()]))
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

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
        let webhooks = document["webhooks"].as_object().unwrap();
        assert_eq!(webhooks.keys().map(String::as_str).collect::<BTreeSet<_>>(), types);
        for (name, webhook) in webhooks {
            let schema = &webhook["post"]["requestBody"]["content"]["application/cloudevents+json"]["schema"];
            let of_several = &schema["allOf"][1]["properties"]["type"];
            let event = schema["$ref"].as_str().map(|reference| document.pointer(&reference[1..]).unwrap());
            let of_one = event.map_or(of_several, |event| &event["properties"]["type"]);
            assert_eq!(of_one["enum"], json!([name]), "{name}");
        }
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
