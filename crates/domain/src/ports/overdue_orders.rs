use async_trait::async_trait;

use crate::{OrderId, PaymentTerms, RefundId, Timestamp};

use super::Unavailable;

/// The orders that were not paid in time.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait OverdueOrders: Send + Sync {
    /// Cancels one order that was not paid in time, and returns its stock. `None`: none was found, though there may be
    /// one beyond what a call looks at; later calls go on from there. Several servers that ask at the same time cancel
    /// different orders. The rule is [`is_overdue`](crate::is_overdue).
    ///
    /// Money of an earlier payment that has not gone back yet is refunded under `refund_id`.
    async fn cancel_overdue(
        &self,
        terms: PaymentTerms,
        now: Timestamp,
        refund_id: RefundId,
    ) -> Result<Option<OrderId>, Unavailable>;
}
