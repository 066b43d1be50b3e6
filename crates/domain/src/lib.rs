#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

pub mod account;
pub mod event;
pub mod idempotency;
pub mod ids;
pub mod menu;
pub mod money;
mod names;
pub mod operations;
pub mod order;
pub mod page;
pub mod payment;
pub mod ports;
pub mod sales;
pub mod session;
pub mod text;

pub use account::*;
pub use event::*;
pub use idempotency::*;
pub use ids::*;
pub use menu::*;
pub use money::*;
pub use operations::*;
pub use order::*;
pub use page::*;
pub use payment::*;
pub use sales::*;
pub use session::*;
pub use text::*;

/// A moment in UTC. Ports exchange whole milliseconds, which is what the HTTP contract shows.
pub type Timestamp = chrono::DateTime<chrono::Utc>;

macro_rules! former_paths {
    ($($module:ident => $home:ident),*) => {
        $(#[doc(hidden)] #[allow(missing_docs)] pub mod $module { pub use crate::$home::*; })*
    };
}
former_paths!(allocation => order, basket => order, order_status => order, order_number => order, quantity => order,
    email => account, password => account, menu_item => menu, stock => menu,
    audit => operations, feature_flag => operations, lockout => operations, rate_limit => operations);
