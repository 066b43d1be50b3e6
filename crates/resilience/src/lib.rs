//! Decorators over ports: each implements a port by wrapping one, so neither the domain nor the adapters know of them.

mod address_limits;
mod lockouts;
mod menu_cache;
mod outage;

pub use address_limits::LocalAddressLimits;
pub use lockouts::LocalLockouts;
pub use menu_cache::SparedMenuCache;
