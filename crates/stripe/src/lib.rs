//! Payment gateways: Stripe, through its HTTP API, and one for development that contacts nobody.

mod client;
mod currency;
mod error;
mod event;
mod offline;
mod signature;

pub use client::{Stripe, StripeConfig};
pub use currency::{NotAStripeCurrency, StripeCurrency};
pub use offline::{OfflineGateway, TestCard, UnknownTestCard};
pub use signature::sign;
