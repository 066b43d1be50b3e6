//! What follows for an operation of the document from its handler's signature and its line among the routes.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use utoipa::openapi::{
    ContentBuilder, Deprecated, Header, Ref, RefOr, Response, ResponseBuilder, path::Operation,
    security::SecurityRequirement,
};

use super::{Access, examples::examples_of, problems::schema_of};
use crate::http::{
    problem::Code,
    routes::{Class, Endpoint},
};

/// Of each response, besides those that go with the operation or the status.
const ON_EVERY_RESPONSE: &str = "X-Request-Id";
const WHEN_COUNTED: [&str; 3] = ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"];
const WHEN_LEAVING: [&str; 3] = ["Deprecation", "Sunset", "Link"];

/// Adds it to what the handler's attribute says.
pub(in crate::http) fn complete(operation: &mut Operation, endpoint: &Endpoint) {
    let description = &endpoint.description;
    let safe = endpoint.method.is_safe();
    operation.security = Some(credentials(description.access, safe));
    operation.parameters.get_or_insert_default().extend(description.parameters.iter().cloned().map(RefOr::T));
    if let Some(leaving) = &endpoint.leaving {
        operation.deprecated = Some(Deprecated::True);
        let described = [operation.description.take().unwrap_or_default(), leaving.in_words()];
        operation.description = Some(described.join("\n\n").trim().to_owned());
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        let examples = examples_of(operation.operation_id.as_deref().unwrap_or_default());
        for content in body.content.values_mut() {
            if let RefOr::T(content) = content {
                content.examples.clone_from(&examples);
            }
        }
    }

    let responses = &mut operation.responses.responses;
    let mut by_status: BTreeMap<StatusCode, Vec<Code>> = BTreeMap::new();
    for code in codes(endpoint) {
        by_status.entry(code.status()).or_default().push(code);
    }
    for (status, codes) in by_status {
        responses.entry(status.as_str().to_owned()).or_insert_with(|| problem_response(status, &codes).into());
    }
    // What it would have with the content (RFC 9110, section 15.4.5).
    let with_content = responses.get("200").and_then(|response| match response {
        RefOr::T(response) => Some(response.headers.clone()),
        RefOr::Ref(_) => None,
    });
    if let (Some(headers), Some(RefOr::T(unchanged))) = (with_content, responses.get_mut("304")) {
        unchanged.headers.extend(headers);
    }
    for (status, response) in responses.iter_mut() {
        let RefOr::T(response) = response else { continue };
        let replayed = (description.replays && status.starts_with('2')).then_some("Idempotency-Replayed");
        let counted = WHEN_COUNTED.into_iter().filter(|_| description.counts_attempts);
        let leaving = WHEN_LEAVING.into_iter().filter(|_| endpoint.leaving.is_some());
        // The sign-out by cookie says by itself what it sets.
        let renewed = (description.access != Access::Anyone).then_some("Set-Cookie");
        for name in [ON_EVERY_RESPONSE].into_iter().chain(replayed).chain(counted).chain(leaving).chain(renewed) {
            response.headers.entry(name.to_owned()).or_insert_with(|| header_ref(name));
        }
    }
}

/// Every problem that it can respond with.
pub(super) fn codes(endpoint: &Endpoint) -> BTreeSet<Code> {
    let description = &endpoint.description;
    let mut codes = description.problems.clone();
    // A compressed body is refused everywhere, also where none is read.
    codes.extend([Code::Internal, Code::UnsupportedMediaType]);
    if endpoint.class != Class::Probe {
        codes.insert(Code::Unavailable);
    }
    if description.access == Access::SignedIn && !endpoint.method.is_safe() {
        codes.extend([Code::InvalidOrigin, Code::InvalidCsrfToken]);
    }
    codes
}

fn problem_response(status: StatusCode, codes: &[Code]) -> Response {
    let described: Vec<String> = codes.iter().map(|code| format!("`{}`: {}.", code.as_str(), code.title())).collect();
    let problem = ContentBuilder::new().schema(Some(schema_of(codes))).build();
    let response =
        ResponseBuilder::new().description(described.join("\n\n")).content("application/problem+json", problem);
    let header = match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Some("Retry-After"),
        StatusCode::UNAUTHORIZED => Some("WWW-Authenticate"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Some("Accept-Encoding"),
        _ => None,
    };
    header.into_iter().fold(response, |response, name| response.header_ref(name, component(name))).build()
}

fn header_ref(name: &str) -> RefOr<Header> {
    RefOr::Ref(component(name))
}

fn component(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
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
