//! What handlers ask of a request, each as a type whose absence is the right problem.

mod actor;
mod id;
mod idempotency;
mod if_match;
mod json;
mod query;

pub use actor::{Admin, Authenticator, MaybeSignedIn, SignedIn, Staff};
pub use id::{AccountIdPath, EmailPath, FlagPath, LetterPath, MenuItemIdPath, OrderIdPath, PaymentPath};
pub use idempotency::IdempotencyHeader;
pub use if_match::IfMatch;
pub use json::{Json, JsonOrNothing, RawBody};
pub use query::Query;
