use std::collections::HashMap;

use async_trait::async_trait;

use crate::{ids::OrderId, payment::Payment};

use super::Unavailable;

/// What was paid for orders.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Payments: Send + Sync {
    /// The payments of several orders in one round trip, oldest first. Orders without any are left out.
    async fn of_orders(&self, ids: &[OrderId]) -> Result<HashMap<OrderId, Vec<Payment>>, Unavailable>;
}
