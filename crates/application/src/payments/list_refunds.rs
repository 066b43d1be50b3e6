use comanda_domain::{OrderId, Page, PageLimit, PaymentId, Refund, RefundId, StaffMember, ports::Unavailable};

use super::Payments;

impl Payments {
    /// Lists the refunds of a payment a page at a time, the oldest first. `None`: the order has no such payment.
    pub async fn list_refunds(
        &self,
        _by: StaffMember,
        order_id: OrderId,
        payment_id: PaymentId,
        after: Option<RefundId>,
        limit: PageLimit,
    ) -> Result<Option<Page<Refund, RefundId>>, Unavailable> {
        self.refunds.of_payment(order_id, payment_id, after, limit).await
    }
}
