use std::{
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header};
use comanda_domain::{
    Actor, Administrator, SecurityEvent, SecurityEventKind, SecurityOutcome, StaffMember,
    ports::{AccessTokens, Audience, Clock, ClosedSessions, SecurityLog},
};

use super::{CsrfGuard, SessionCookies};
use crate::http::{
    app::App,
    openapi::{Access, Describe, Description},
    problem::{Code, Problem},
};

/// Finds out who sent a request.
#[derive(Clone)]
pub struct Authenticator {
    pub tokens: Arc<dyn AccessTokens>,
    pub closed: Arc<dyn ClosedSessions>,
    pub security: Arc<dyn SecurityLog>,
    pub clock: Arc<dyn Clock>,
    pub cookies: SessionCookies,
    pub csrf: CsrfGuard,
}

impl Authenticator {
    /// `None` without a credential. The `Authorization` header counts before cookies.
    fn actor(&self, request: &HttpRequest) -> Result<Option<Actor>, Problem> {
        match request.headers().get(header::AUTHORIZATION) {
            Some(header) => self.of_client(header).map(Some),
            None => self.of_browser(request),
        }
    }

    /// An invalid bearer token is a problem everywhere, so that its sender learns of it.
    fn of_client(&self, header: &header::HeaderValue) -> Result<Actor, Problem> {
        let token = header
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let actor = token.and_then(|token| self.tokens.verify(token, Audience::Client, self.clock.now()).ok());
        let actor = actor.ok_or_else(|| Problem::new(Code::Unauthenticated, "The access token is not valid."))?;
        if self.closed.contains(actor.session_id) {
            return Err(Problem::new(Code::SessionRevoked, "The session of this access token has ended."));
        }
        Ok(actor)
    }

    /// Browsers send a cookie along even when its session has ended: it is not a credential then.
    fn of_browser(&self, request: &HttpRequest) -> Result<Option<Actor>, Problem> {
        let Some(token) = self.cookies.session_token(request) else { return Ok(None) };
        let Ok(actor) = self.tokens.verify(&token, Audience::Browser, self.clock.now()) else { return Ok(None) };
        if self.closed.contains(actor.session_id) {
            return Ok(None);
        }
        let checked = self.csrf.check(request, actor.session_id, self.cookies);
        checked
            .inspect_err(|problem| self.record_refusal(actor, SecurityEventKind::CsrfCheck, problem.code.as_str()))?;
        Ok(Some(actor))
    }

    fn record_refusal(&self, actor: Actor, kind: SecurityEventKind, reason: &'static str) {
        let event = SecurityEvent::new(kind, SecurityOutcome::Refused).because(reason);
        self.security.record(event.of_account(actor.account_id).in_session(actor.session_id));
    }
}

fn maybe_signed_in(request: &HttpRequest) -> Result<Option<Actor>, Problem> {
    App::of(request)?.authenticator.actor(request)
}

fn signed_in(request: &HttpRequest) -> Result<Actor, Problem> {
    maybe_signed_in(request)?
        .ok_or_else(|| Problem::new(Code::Unauthenticated, "This needs an access token or a session."))
}

/// What the actor may do, by its role.
fn allowed<T>(
    request: &HttpRequest,
    proof: impl FnOnce(Actor) -> Option<T>,
    reason: &'static str,
    refusal: &'static str,
) -> Result<T, Problem> {
    let actor = signed_in(request)?;
    proof(actor).ok_or_else(|| {
        if let Ok(app) = App::of(request) {
            app.authenticator.record_refusal(actor, SecurityEventKind::Authorization, reason);
        }
        Problem::new(Code::Forbidden, refusal)
    })
}

/// An extractor made of a function that needs nothing but the head of the request.
macro_rules! extractor {
    ($(#[$doc:meta])* $name:ident($inner:ty), $access:ident, [$($code:ident),*]: $read:expr) => {
        $(#[$doc])*
        pub struct $name(pub $inner);

        impl FromRequest for $name {
            type Error = Problem;
            type Future = Ready<Result<Self, Problem>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let read: fn(&HttpRequest) -> Result<$inner, Problem> = $read;
                ready(read(request).map(Self))
            }
        }

        impl Describe for $name {
            fn describe(description: &mut Description) {
                description.access = Access::$access;
                description.problems(&[Code::Unauthenticated, Code::SessionRevoked, $(Code::$code),*]);
            }
        }
    };
}

extractor! {
    /// The sender of the request, if signed in.
    MaybeSignedIn(Option<Actor>), MaybeSignedIn, []: maybe_signed_in
}
extractor! {
    /// Anyone with an account.
    SignedIn(Actor), SignedIn, []: signed_in
}
extractor! {
    /// Staff and admins.
    Staff(StaffMember), SignedIn, [Forbidden]: |request| {
        allowed(request, Actor::as_staff, "staff_only", "Only staff may do this.")
    }
}
extractor! {
    /// Admins.
    Admin(Administrator), SignedIn, [Forbidden]: |request| {
        allowed(request, Actor::as_admin, "admins_only", "Only admins may do this.")
    }
}
