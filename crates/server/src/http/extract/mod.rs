//! What handlers ask of a request, each as a type whose absence is the right problem.

mod actor;
mod client_header;
mod content;
mod cookies;
mod csrf;
mod cursor;
mod device;
mod entity_tags;
mod idempotency;
mod if_match;
mod json;
mod objects;
mod paged;
mod path;
mod query;
mod rate_limit;
mod service;
mod watcher;

pub use self::{
    actor::{Admin, Authenticator, Bystander, MaybeSignedIn, RenewedCookie, SignedIn, SigningIn, Staff},
    client_header::ClientHeader,
    content::check_coding,
    cookies::SessionCookies,
    csrf::{CsrfGuard, HEADER as CSRF_HEADER},
    cursor::CursorSigner,
    device::{DeviceCookie, DeviceHeader, DeviceTokens, HEADER as DEVICE_HEADER},
    entity_tags::EntityTags,
    idempotency::{Idempotent, replayable},
    if_match::{IfMatch, IfMatchGiven, etag},
    json::{Json, JsonOrNothing, RawBody},
    paged::{Filter, PageResponse, Paged},
    path::{AssetName, LetterNumber, PageAsset, Path},
    query::Query,
    rate_limit::{Limiter, OrderAttempts, RateLimiter, Standing},
    service::Service,
    watcher::{StaffWatcher, Watcher},
};
pub(crate) use paged::pages;
