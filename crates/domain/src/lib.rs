#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod account;
mod event;
mod idempotency;
mod ids;
mod import;
mod kitchen;
mod live;
mod mail;
mod menu;
mod money;
mod names;
mod operations;
mod order;
mod page;
mod payment;
pub mod ports;
mod sales;
mod session;
mod session_origin;
mod stock;
mod supply;
mod text;
mod written;

pub use account::*;
pub use event::*;
pub use idempotency::*;
pub use ids::*;
pub use import::*;
pub use kitchen::*;
pub use live::*;
pub use mail::*;
pub use menu::*;
pub use money::*;
pub use operations::*;
pub use order::*;
pub use page::*;
pub use payment::*;
pub use sales::*;
pub use session::*;
pub use session_origin::*;
pub use stock::*;
pub use supply::*;
pub use text::*;
pub use written::*;

/// A moment in UTC. Ports exchange whole milliseconds, which is what the HTTP contract shows.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
