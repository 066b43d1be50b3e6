//! What every answer has in common: a request id, security headers, a problem document where it is an error, and an end.

use std::time::Duration;

use actix_web::{
    Error, HttpResponse, ResponseError,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};

use super::{
    admission::Admission,
    budget::{Budget, Budgets},
    measured::Measured,
    request_id::{self, RequestId},
    traced::Traced,
};
use crate::http::problem::Problem;

pub async fn wrap<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let id = RequestId::of(request.headers());
    let measured = Measured::begin(&request);
    let traced = Traced::begin(&request, &id);
    let admission = request.app_data::<web::Data<Admission>>().cloned();
    let tells_health = request.path().starts_with("/health/");
    let admitted = admission.as_ref().filter(|_| !tells_health).map(|admission| admission.admit());
    if matches!(admitted, Some(None)) {
        Measured::end(measured, StatusCode::SERVICE_UNAVAILABLE);
        return Err(already_dressed(&Problem::overloaded("http.request"), &id));
    }
    let budget = request.app_data::<web::Data<Budgets>>().map(|budgets| budgets.of(&request));
    let Budget { time, operation } =
        budget.unwrap_or(Budget { time: Duration::from_mins(1), operation: "http.request" });
    let Ok(outcome) = comanda_deadline::within(time, traced.around(next.call(request))).await else {
        Measured::end(measured, StatusCode::SERVICE_UNAVAILABLE);
        traced.end(StatusCode::SERVICE_UNAVAILABLE);
        traced.span().in_scope(|| tracing::warn!(operation, "a request took longer than it may"));
        return Err(already_dressed(&Problem::overloaded(operation), &id));
    };
    let response = match outcome {
        Ok(response) => response,
        // A middleware refused the request before it reached a resource.
        Err(error) => {
            let problem = Problem::of_status(error.as_response_error().status_code());
            Measured::end(measured, problem.code.status());
            traced.end(problem.code.status());
            return Err(already_dressed(&problem, &id));
        }
    };

    let status = response.status();
    let problem = response.response().extensions().get::<Problem>().cloned();
    let problem = problem.or_else(|| {
        let by_the_framework = (status.is_client_error() || status.is_server_error())
            && !response.headers().contains_key(header::CONTENT_TYPE);
        by_the_framework.then(|| Problem::of_status(status))
    });
    let mut response = match problem {
        None => response.map_into_left_body(),
        Some(problem) => response.map_body(|head, _| {
            head.status = problem.code.status();
            head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
            EitherBody::right(BoxBody::new(problem.body(&id)))
        }),
    };
    dress(response.headers_mut(), &id);
    Measured::end(measured, response.status());
    traced.end(response.status());
    Ok(response)
}

fn already_dressed(problem: &Problem, id: &RequestId) -> Error {
    let mut response = problem.error_response();
    dress(response.headers_mut(), id);
    let content_type = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    let response: HttpResponse = response.set_body(problem.body(id)).map_into_boxed_body();
    InternalError::from_response("", response).into()
}

fn dress(headers: &mut HeaderMap, id: &RequestId) {
    headers.insert(HeaderName::from_static(request_id::HEADER), id.header_value());
    // <https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers>
    let defaults = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in defaults {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}
