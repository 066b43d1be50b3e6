use std::collections::HashMap;

use async_trait::async_trait;
use thiserror::Error;

use crate::{
    ExaminedPayment, Idempotency, IntentId, KeyRefusal, Money, NotSettleable, OrderId, Payment, PaymentId, StaffMember,
    Timestamp,
};

use super::{Idempotent, Readable, Unavailable};

/// Why a payment was not settled at the counter. Nothing changed.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum SettlePaymentError {
    /// The order has no such payment.
    #[error("no such payment")]
    NotFound,
    /// It is not a payment at the counter, or it cannot be paid any more.
    #[error(transparent)]
    NotSettleable(#[from] NotSettleable),
    /// The key is not free.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A card payment with the gateway's id for it, to be compared with the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardPayment {
    /// The payment as it is stored here.
    pub payment: Payment,
    /// The gateway's id for it, if it has one.
    pub intent: Option<IntentId>,
    /// How much of it has gone back by our books: the sum of its refunds that have succeeded.
    pub returned: Money,
}

/// The payments for orders.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Payments: Send + Sync {
    /// The payments of several orders in one round trip, the oldest first, with what staff have to look into. Orders
    /// without payments are left out.
    async fn of_orders(&self, ids: &[OrderId])
    -> Result<HashMap<OrderId, Readable<Vec<ExaminedPayment>>>, Unavailable>;

    /// At most `limit` card payments that were begun at `since` or later, the oldest first, beginning after the payment
    /// `after`.
    async fn card_payments(
        &self,
        since: Timestamp,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<CardPayment>, Unavailable>;

    /// Records that the customer has paid at the counter. The rule is [`Payment::settle`].
    async fn settle(
        &self,
        order_id: OrderId,
        id: PaymentId,
        by: StaffMember,
        at: Timestamp,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<Payment>, SettlePaymentError>;
}
