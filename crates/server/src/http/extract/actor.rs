use std::{
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web};
use comanda_domain::{
    account::{Actor, StaffMember},
    ports::{AccessTokens, Clock},
};

use crate::http::problem::{Code, Problem};

/// What it takes to know who sent a request.
#[derive(Clone)]
pub struct Authenticator {
    pub tokens: Arc<dyn AccessTokens>,
    pub clock: Arc<dyn Clock>,
}

impl Authenticator {
    /// `None` without a credential; one that is not good is a problem everywhere.
    fn actor(&self, request: &HttpRequest) -> Result<Option<Actor>, Problem> {
        let Some(header) = request.headers().get(header::AUTHORIZATION) else { return Ok(None) };
        let token = header
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let actor = token.and_then(|token| self.tokens.verify(token, self.clock.now()).ok());
        actor.map(Some).ok_or_else(|| Problem::new(Code::Unauthenticated, "The access token is not valid."))
    }
}

fn maybe_signed_in(request: &HttpRequest) -> Result<Option<Actor>, Problem> {
    request
        .app_data::<web::Data<Authenticator>>()
        .ok_or_else(|| Problem::new(Code::Internal, "Nobody can be authenticated."))?
        .actor(request)
}

fn signed_in(request: &HttpRequest) -> Result<Actor, Problem> {
    maybe_signed_in(request)?.ok_or_else(|| Problem::new(Code::Unauthenticated, "This needs an access token."))
}

/// Whoever sent the request, if they said who they are.
pub struct MaybeSignedIn(pub Option<Actor>);

impl FromRequest for MaybeSignedIn {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(maybe_signed_in(request).map(Self))
    }
}

/// Anybody with an account.
pub struct SignedIn(pub Actor);

impl FromRequest for SignedIn {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(signed_in(request).map(Self))
    }
}

/// Staff and admins.
pub struct Staff(pub StaffMember);

impl FromRequest for Staff {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let staff = signed_in(request)
            .and_then(|actor| actor.as_staff().ok_or_else(|| Problem::new(Code::Forbidden, "Only staff may do this.")));
        ready(staff.map(Self))
    }
}
