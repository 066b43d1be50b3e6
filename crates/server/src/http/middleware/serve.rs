use std::{panic::AssertUnwindSafe, rc::Rc};

use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{StatusCode, header::HeaderName},
    middleware::Next,
};
use comanda_domain::ClientNetwork;
use futures_util::FutureExt;

use super::{Admission, Budgets, ClientAddresses, access::Route, panicked, traced::Traced};
use crate::http::{
    extract::{RenewedCookie, Standing, check_coding},
    problem::{Operation, Problem, rate_limit_headers},
    routes::{Class, Endpoint},
};

/// What every request to a known path shares.
#[derive(Clone)]
pub struct Serving {
    pub admission: Admission,
    pub budgets: Budgets,
    pub clients: ClientAddresses,
    /// Whether traces are collected.
    pub traced: bool,
}

/// Serves a method of a path. An operation that is to go says so with whatever it responds. `None`: the path has no
/// such method.
pub async fn serve<B: MessageBody>(
    endpoint: Option<&'static Endpoint>,
    serving: Rc<Serving>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let Some(endpoint) = endpoint else { return next.call(request).await };
    let mut outcome = let_in(endpoint, serving, request, next).await;
    if let Some(leaving) = endpoint.leaving {
        match &mut outcome {
            Ok(response) => leaving.announce(response.headers_mut()),
            Err(error) => error.add_response_mapper(move |mut response| {
                leaving.announce(response.headers_mut());
                response
            }),
        }
    }
    outcome
}

/// Lets a request in, gives it a span, and ends it when its time is up.
async fn let_in<B: MessageBody>(
    endpoint: &'static Endpoint,
    serving: Rc<Serving>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if let Some(route) = request.extensions().get::<Route>() {
        route.set(&endpoint.path);
    }
    let admitted = match endpoint.class {
        Class::Probe => None,
        _ => Some(serving.admission.admit().ok_or_else(|| Problem::overloaded(Operation::Request))?),
    };
    if let Some(admitted) = &admitted {
        request.extensions_mut().insert(admitted.place());
    }
    check_coding(request.request())?;
    let known = request.extensions().get::<ClientNetwork>().copied();
    let client = known.unwrap_or_else(|| serving.clients.of(&request));
    request.extensions_mut().insert(client);
    let traced = Traced::begin(&request, endpoint, serving.traced);
    let time = serving.budgets.of(endpoint.class);
    let work = traced.around(comanda_identity::hashing_for(client, next.call(request)));
    // What it worked with is dropped, or behind locks and transactions of its own.
    let work = AssertUnwindSafe(work).catch_unwind();
    let Ok(outcome) = comanda_deadline::within(time, work).await else {
        let operation = endpoint.operation.as_str();
        traced.span().in_scope(|| tracing::warn!(operation, "a request took longer than it may"));
        traced.end(StatusCode::SERVICE_UNAVAILABLE);
        return Err(Problem::overloaded(endpoint.operation).into());
    };
    let mut outcome = outcome.unwrap_or_else(|panic| Err(traced.span().in_scope(|| panicked(&*panic)).into()));
    if let Ok(response) = &mut outcome
        && response.status() == StatusCode::SERVICE_UNAVAILABLE
        && let Some(problem) = response.response_mut().extensions_mut().get_mut::<Problem>()
    {
        traced.span().in_scope(|| problem.at(endpoint.operation));
    }
    if let Ok(response) = &mut outcome {
        add_renewed_cookie(response);
        show_attempts_left(response);
    }
    traced.end(match &outcome {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    });
    outcome
}

/// How often the client may try yet. A refusal says so by itself if it is for too many attempts; one for another limit
/// would contradict itself.
fn show_attempts_left<B>(response: &mut ServiceResponse<B>) {
    let Some(left) = Standing::known(response.request()) else { return };
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        return;
    }
    for (name, value) in rate_limit_headers(left) {
        response.headers_mut().insert(HeaderName::from_static(name), value.into());
    }
}

/// A browser whose session was renewed on the way gets the next token, unless the response takes the cookie away.
fn add_renewed_cookie<B>(response: &mut ServiceResponse<B>) {
    let Some(RenewedCookie(cookie)) = response.request().extensions().get::<RenewedCookie>().cloned() else { return };
    if response.response().cookies().any(|set| set.name() == cookie.name()) {
        return;
    }
    if let Err(error) = response.response_mut().add_cookie(&cookie) {
        tracing::error!(%error, "a renewed cookie is no header");
    }
}
