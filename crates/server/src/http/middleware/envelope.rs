//! What every response has in common: a request id, security headers, and a problem document where it is an error.

use actix_web::{
    Error, HttpMessage, HttpResponse,
    body::{self, BodySize, BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};

use super::{
    access::Access,
    measured::Measured,
    over_https::OverHttps,
    request_id::{self, RequestId},
};
use crate::http::{problem::Problem, routes::allow_of};

pub async fn wrap<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let is_head = request.method() == Method::HEAD;
    let measured = Measured::begin(&request);
    let access = Access::begin(&request, &id);
    let over_https = request.app_data::<Data<OverHttps>>().is_some_and(|policy| policy.holds(request.request()));
    let response = match next.call(request).await {
        Ok(response) => response,
        // Refused before it reached a handler.
        Err(error) => {
            let problem = error.as_error::<Problem>().cloned();
            let problem = problem.unwrap_or_else(|| Problem::of_status(error.as_response_error().status_code()));
            Measured::end(measured, problem.code.status());
            Access::end(access, problem.code.status(), || None);
            // With what other middlewares have added to it.
            return Err(already_dressed(error.error_response(), &problem, &id, over_https));
        }
    };

    let response = answer_preflight(response);
    let status = response.status();
    let problem = response.response().extensions().get::<Problem>().cloned();
    let problem = problem.or_else(|| {
        let by_the_framework = (status.is_client_error() || status.is_server_error())
            && !response.headers().contains_key(header::CONTENT_TYPE);
        by_the_framework.then(|| Problem::of_status(status))
    });
    let mut response = match problem {
        None => response,
        Some(problem) => response.map_body(|head, _| {
            head.status = problem.code.status();
            head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
            EitherBody::right(BoxBody::new(problem.body(&id)))
        }),
    };
    if is_head && response.response().body().size() == BodySize::Stream {
        // Nobody would see where it ends.
        response = response.map_body(|_, _| EitherBody::right(BoxBody::new(body::None::new())));
    }
    dress(response.headers_mut(), &id, over_https);
    Measured::end(measured, response.status());
    Access::end(access, response.status(), || response.request().match_pattern());
    Ok(response)
}

/// Browsers' preflights are answered, or refused, before they get to a route. They are `OPTIONS` like any other; what
/// a browser needs to see of it to go on is in the headers, if the request may be made.
fn answer_preflight<B>(response: ServiceResponse<B>) -> ServiceResponse<EitherBody<B>> {
    let is_preflight = response.request().method() == Method::OPTIONS
        && [StatusCode::OK, StatusCode::BAD_REQUEST].contains(&response.status());
    if !is_preflight {
        return response.map_into_left_body();
    }
    let allow = response.request().match_pattern().as_deref().and_then(allow_of);
    response.map_body(|head, _| {
        head.status = if allow.is_some() { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND };
        if let Some(allow) = allow {
            head.headers.insert(header::ALLOW, allow);
        }
        EitherBody::right(BoxBody::new(body::None::new()))
    })
}

fn already_dressed(mut response: HttpResponse, problem: &Problem, id: &RequestId, over_https: bool) -> Error {
    *response.status_mut() = problem.code.status();
    dress(response.headers_mut(), id, over_https);
    let content_type = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    let response: HttpResponse = response.set_body(problem.body(id)).map_into_boxed_body();
    InternalError::from_response("", response).into()
}

/// The headers of a response that no middleware sees. There is no request that would tell whether it came over https.
pub fn response_headers(id: &RequestId) -> HeaderMap {
    let mut headers = HeaderMap::new();
    dress(&mut headers, id, false);
    headers
}

fn dress(headers: &mut HeaderMap, id: &RequestId, over_https: bool) {
    headers.insert(HeaderName::from_static(request_id::HEADER), id.header_value());
    // <https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers>
    let defaults = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CACHE_CONTROL, "no-store"),
        (header::PERMISSIONS_POLICY, "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        (header::CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
        (header::CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
    ];
    // A browser that has seen it uses https alone from then on (RFC 6797).
    let https_only = over_https.then_some((header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"));
    for (name, value) in defaults.into_iter().chain(https_only) {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}
