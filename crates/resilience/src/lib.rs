//! Decorators over ports: each implements a port by wrapping one, so neither the domain nor the adapters know of them.

mod accounts;
mod breaker;
mod checkout;
mod lockouts;
mod menu_cache;
mod notifier;
mod orders;
mod outage;
mod payment_gateway;
mod rate_limits;
mod retry_budget;

pub use accounts::GuardedAccounts;
pub use breaker::{Breaker, BreakerSettings, Failure, InvalidBreakerSettings};
pub use checkout::GuardedCheckout;
pub use lockouts::LocalLockouts;
pub use menu_cache::SparedMenuCache;
pub use notifier::GuardedNotifier;
pub use orders::GuardedOrders;
pub use outage::expire_outages;
pub use payment_gateway::GuardedGateway;
pub use rate_limits::LocalRateLimits;
pub use retry_budget::RetryBudget;
