#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

pub mod account;
pub mod allocation;
pub mod audit;
pub mod basket;
pub mod email;
pub mod event;
pub mod feature_flag;
pub mod idempotency;
pub mod ids;
pub mod lockout;
pub mod menu_item;
pub mod money;
pub mod order;
pub mod order_number;
pub mod order_status;
pub mod page;
pub mod password;
pub mod payment;
pub mod ports;
pub mod quantity;
pub mod rate_limit;
pub mod sales;
pub mod session;
pub mod stock;
pub mod text;

/// A moment in UTC. Ports exchange whole milliseconds, which is what the HTTP contract shows.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
