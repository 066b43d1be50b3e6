use std::{
    future::{Ready, ready},
    rc::Rc,
    sync::Arc,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, cookie::Cookie, dev::Payload, http::header};
use comanda_application::Sessions;
use comanda_domain::{
    AccountId, Actor, Administrator, SecurityEvent, SecurityEventKind, SecurityOutcome, SessionId, StaffMember,
    Timestamp,
    ports::{AccessTokens, Audience, Clock, ClosedSessions, SecurityLog},
};

use futures_util::future::{Either, FutureExt, LocalBoxFuture};

use super::{CsrfGuard, DeviceCookie, SessionCookies};
use crate::http::{
    app::App,
    middleware::Place,
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

/// Who sent a request, as far as the process knows by itself.
enum Sender {
    Known(Option<Actor>),
    /// The session has to be renewed before anybody is believed to be in it.
    ToRenew(SessionId),
}

/// The cookie of a session that was renewed, for the response.
#[derive(Clone)]
pub struct RenewedCookie(pub Cookie<'static>);

impl Authenticator {
    /// `None` without a credential. The `Authorization` header counts before cookies.
    fn sender(&self, request: &HttpRequest) -> Result<Sender, Problem> {
        match request.headers().get(header::AUTHORIZATION) {
            Some(header) => self.of_client(header).map(|actor| Sender::Known(Some(actor))),
            None => self.of_browser(request),
        }
    }

    /// An invalid bearer token is a problem everywhere, so that its sender learns of it.
    fn of_client(&self, header: &header::HeaderValue) -> Result<Actor, Problem> {
        let verified = bearer(header);
        let verified = verified.and_then(|token| self.tokens.verify(token, Audience::Client, self.clock.now()).ok());
        let verified = verified.ok_or_else(|| Problem::new(Code::Unauthenticated, "The access token is not valid."))?;
        let actor = verified.actor;
        if self.closed.contains(actor.session_id) {
            return Err(Problem::new(Code::SessionRevoked, "The session of this access token has ended."));
        }
        Ok(actor)
    }

    /// Browsers send a cookie along even when its session has ended: it is not a credential then.
    fn of_browser(&self, request: &HttpRequest) -> Result<Sender, Problem> {
        let nobody = Ok(Sender::Known(None));
        let Some(token) = self.cookies.session_token(request) else { return nobody };
        let now = self.clock.now();
        let Ok(verified) = self.tokens.verify(&token, Audience::Browser, now) else { return nobody };
        let actor = verified.actor;
        if self.closed.contains(actor.session_id) {
            return nobody;
        }
        let checked = self.csrf.check(request, actor.session_id, self.cookies);
        checked
            .inspect_err(|problem| self.record_refusal(actor, SecurityEventKind::CsrfCheck, problem.code.as_str()))?;
        if App::of(request)?.sessions.is_to_be_renewed(&verified, now) {
            return Ok(Sender::ToRenew(actor.session_id));
        }
        Ok(Sender::Known(Some(actor)))
    }

    /// When the credential of a sender that is signed in expires, or the session of a browser has to be renewed.
    pub(super) fn believed_until(&self, request: &HttpRequest, sessions: &Sessions) -> Timestamp {
        let now = self.clock.now();
        if let Some(header) = request.headers().get(header::AUTHORIZATION) {
            let verified = bearer(header).and_then(|token| self.tokens.verify(token, Audience::Client, now).ok());
            return verified.map_or(now, |verified| verified.expires_at);
        }
        let token = self.cookies.session_token(request);
        let Some(verified) = token.and_then(|token| self.tokens.verify(&token, Audience::Browser, now).ok()) else {
            return now;
        };
        // Whether it had to be was asked once: by now, the answer may be another one.
        let was_renewed = request.extensions().get::<RenewedCookie>().is_some();
        let believed_from = if was_renewed { now } else { verified.issued_at };
        verified.expires_at.min(believed_from + sessions.terms.renew_after())
    }

    fn record_refusal(&self, actor: Actor, kind: SecurityEventKind, reason: &'static str) {
        let event = SecurityEvent::new(kind, SecurityOutcome::Refused).because(reason);
        self.security.record(event.of_account(actor.account_id).in_session(actor.session_id));
    }
}

fn bearer(header: &header::HeaderValue) -> Option<&str> {
    let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares a browser's session with its row; the response gets the cookie with the next token.
async fn renewed(request: &HttpRequest, id: SessionId) -> Result<Option<Actor>, Problem> {
    let app = App::of(request)?;
    let Some(renewed) = app.sessions.renew(id).await? else { return Ok(None) };
    let token = renewed.session_token;
    let cookie = app.authenticator.cookies.session(&token.token, token.expires_in);
    request.extensions_mut().insert(RenewedCookie(cookie));
    Ok(Some(renewed.actor))
}

fn sender(request: &HttpRequest) -> Result<Sender, Problem> {
    App::of(request)?.authenticator.sender(request)
}

fn signed_in(actor: Option<Actor>) -> Result<Actor, Problem> {
    actor.ok_or_else(|| Problem::new(Code::Unauthenticated, "This needs an access token or a session."))
}

/// What the actor may do, by its role.
fn allowed<T>(
    request: &HttpRequest,
    actor: Option<Actor>,
    proof: impl FnOnce(Actor) -> Option<T>,
    reason: &'static str,
    refusal: &'static str,
) -> Result<T, Problem> {
    let actor = signed_in(actor)?;
    proof(actor).ok_or_else(|| {
        if let Ok(app) = App::of(request) {
            app.authenticator.record_refusal(actor, SecurityEventKind::Authorization, reason);
        }
        Problem::new(Code::Forbidden, refusal)
    })
}

pub(super) fn staff(request: &HttpRequest, actor: Option<Actor>) -> Result<StaffMember, Problem> {
    allowed(request, actor, Actor::as_staff, "staff_only", "Only staff may do this.")
}

/// An extractor made of a function of the request and its sender. Only renewing a browser's session takes time.
macro_rules! extractor {
    ($(#[$doc:meta])* $name:ident($inner:ty), $access:ident, [$($code:ident),*]: $read:expr) => {
        $(#[$doc])*
        pub struct $name(pub $inner);

        impl FromRequest for $name {
            type Error = Problem;
            type Future = Either<Ready<Result<Self, Problem>>, LocalBoxFuture<'static, Result<Self, Problem>>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let read: fn(&HttpRequest, Option<Actor>) -> Result<$inner, Problem> = $read;
                match sender(request) {
                    Ok(Sender::Known(actor)) => Either::Left(ready(read(request, actor).map(Self))),
                    Ok(Sender::ToRenew(id)) => {
                        let request = request.clone();
                        // From here on: the body may be waited for before this is.
                        let work = request.extensions().get::<Rc<Place>>().cloned().map(Place::work);
                        let renewing = async move {
                            let actor = renewed(&request, id).await;
                            drop(work);
                            actor.and_then(|actor| read(&request, actor)).map(Self)
                        };
                        Either::Right(renewing.boxed_local())
                    }
                    Err(problem) => Either::Left(ready(Err(problem))),
                }
            }
        }

        impl Describe for $name {
            fn describe(description: &mut Description) {
                description.access = Access::$access;
                description.problems(&[Code::Unauthenticated, Code::SessionRevoked, $(Code::$code),*]);
                description.problems(&[Code::Unavailable]);
            }
        }
    };
}

extractor! {
    /// The sender of the request, if signed in.
    MaybeSignedIn(Option<Actor>), MaybeSignedIn, []: |_, actor| Ok(actor)
}
extractor! {
    /// Anyone with an account.
    SignedIn(Actor), SignedIn, []: |_, actor| signed_in(actor)
}
extractor! {
    /// Staff and admins.
    Staff(StaffMember), SignedIn, [Forbidden]: staff
}
extractor! {
    /// Admins.
    Admin(Administrator), SignedIn, [Forbidden]: |request, actor| {
        allowed(request, actor, Actor::as_admin, "admins_only", "Only admins may do this.")
    }
}

/// The account whose session came along with a request that needs none. It is good for refusing something, and never
/// for allowing it, so a credential that is invalid is no problem, and nothing has to prove that a page of ours sent
/// it.
pub struct Bystander(pub Option<AccountId>);

impl Authenticator {
    fn bystander(&self, request: &HttpRequest) -> Option<AccountId> {
        let now = self.clock.now();
        let actor = match request.headers().get(header::AUTHORIZATION) {
            Some(header) => self.of_client(header).ok(),
            None => self
                .cookies
                .session_token(request)
                .and_then(|token| self.tokens.verify(&token, Audience::Browser, now).ok())
                .map(|verified| verified.actor)
                .filter(|actor| !self.closed.contains(actor.session_id)),
        };
        actor.map(|actor| actor.account_id)
    }
}

impl FromRequest for Bystander {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(App::of(request).map(|app| Self(app.authenticator.bystander(request))))
    }
}

impl Describe for Bystander {
    fn describe(_: &mut Description) {}
}

/// What a browser that signs in has kept of earlier sign-ins. Only a page of ours or of an allowed origin may ask for
/// it.
pub struct SigningIn {
    /// The session of the cookie that came along, which the new one replaces.
    pub replaces: Option<SessionId>,
    pub devices: DeviceCookie,
}

impl FromRequest for SigningIn {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let read = |app: &App| {
            let Authenticator { tokens, security, clock, cookies, csrf, .. } = &app.authenticator;
            csrf.check_sign_in(request).inspect_err(|problem| {
                let event = SecurityEvent::new(SecurityEventKind::CsrfCheck, SecurityOutcome::Refused);
                security.record(event.because(problem.code.as_str()));
            })?;
            let token = cookies.session_token(request);
            let verified = token.and_then(|token| tokens.verify(&token, Audience::Browser, clock.now()).ok());
            Ok(Self {
                replaces: verified.map(|verified| verified.actor.session_id),
                devices: DeviceCookie::of(request, *cookies),
            })
        };
        ready(App::of(request).and_then(|app| read(app)))
    }
}

impl Describe for SigningIn {
    fn describe(description: &mut Description) {
        description.problems(&[Code::InvalidOrigin]);
    }
}
