//! What handlers ask of a request, each as a type whose absence is the right problem.

mod actor;
mod cookies;
mod csrf;
mod cursor;
mod id;
mod idempotency;
mod if_match;
mod json;
mod query;
mod rate_limit;
mod service;

pub use self::{
    actor::{Admin, Authenticator, MaybeSignedIn, SignedIn, Staff},
    cookies::SessionCookies,
    csrf::{CsrfGuard, HEADER as CSRF_HEADER},
    cursor::CursorSigner,
    id::{AccountIdPath, EmailPath, FlagPath, LetterPath, MenuItemIdPath, OrderIdPath, PaymentPath},
    idempotency::IdempotencyHeader,
    if_match::IfMatch,
    json::{Json, JsonOrNothing, RawBody},
    query::Query,
    rate_limit::RateLimiter,
    service::Service,
};
