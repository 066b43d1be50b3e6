//! Placing orders and seeing them through.

mod advance;
mod cancel;
mod cancel_many;
mod find;
mod list;
mod place;
mod quote;
mod relations;

use std::sync::Arc;

use comanda_domain::{
    OrderLimits,
    ports::{self, Clock, IdGenerator, WorkQueue},
};

pub use cancel_many::{CancelOrders, Cancelled, Found, UnwantedOrder};
pub use relations::{RelatedOrder, Relations};

/// Orders, from placing them to handing them over. One file per verb.
pub struct Orders {
    pub orders: Arc<dyn ports::Orders>,
    /// For the customers of orders, where a reader asks for them.
    pub accounts: Arc<dyn ports::Accounts>,
    /// For the payments of orders, where a reader asks for them.
    pub payments: Arc<dyn ports::Payments>,
    /// Cancelling an order may leave refunds to be made.
    pub payment_work: Arc<dyn WorkQueue>,
    /// Whoever watches an order is told of what has become of it.
    pub watchers: Arc<dyn WorkQueue>,
    pub ids: Arc<dyn IdGenerator>,
    pub clock: Arc<dyn Clock>,
    /// What the unpaid orders of a customer may hold.
    pub limits: OrderLimits,
}
