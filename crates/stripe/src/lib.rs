//! The payment gateway: Stripe by its HTTP API, and one for development that never leaves the house.

mod client;
mod event;
mod offline;
mod signature;

pub use client::{Stripe, StripeConfig};
pub use offline::{OfflineGateway, TestCard, UnknownTestCard};
pub use signature::sign;
