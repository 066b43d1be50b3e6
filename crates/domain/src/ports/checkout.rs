use async_trait::async_trait;
use thiserror::Error;

use crate::{
    BeginRefusal, ClientSecret, Idempotency, Intent, KeyRefusal, NewPayment, NotChargeable, OrderStatus, Payment,
    PaymentId, Timestamp,
};

use super::{Idempotent, Unavailable};

/// What a customer gets for a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentReceipt {
    /// The payment.
    pub payment: Payment,
    /// The secret to pay with, by card.
    pub client_secret: Option<ClientSecret>,
}

/// A payment that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BegunPayment {
    /// Nothing else has to be done, or the request was answered before, under the same key.
    Complete(Idempotent<PaymentReceipt>),
    /// The gateway has to be asked for an intent, which [`Checkout::attach`] records.
    NeedsIntent(Payment),
}

/// Why a payment did not begin. Nothing changed.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum BeginPaymentError {
    /// There is no such order within the caller's scope.
    #[error("no such order")]
    NotFound,
    /// The order is paid.
    #[error("the order is paid")]
    AlreadyPaid,
    /// The order is cancelled.
    #[error("an order that is {0} cannot be paid")]
    NotPayable(OrderStatus),
    /// There is no gateway that would charge a card.
    #[error("cards are not taken here")]
    CardsNotTaken,
    /// The gateway will never charge this amount to a card.
    #[error(transparent)]
    NotChargeable(NotChargeable),
    /// The key is not free.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<BeginRefusal> for BeginPaymentError {
    fn from(refusal: BeginRefusal) -> Self {
        match refusal {
            BeginRefusal::AlreadyPaid => Self::AlreadyPaid,
            BeginRefusal::NotPayable(status) => Self::NotPayable(status),
            BeginRefusal::NotChargeable(why) => Self::NotChargeable(why),
        }
    }
}

/// Beginning to pay for an order.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Checkout: Send + Sync {
    /// Begins a payment for all that the order costs, or finds the open one. An open payment of another method is
    /// cancelled. The rule is [`begin_payment`](crate::begin_payment). A payment by card with no
    /// [`NewPayment::chargeable`] amounts is refused, unless the request repeats one that was answered.
    async fn begin(&self, payment: NewPayment) -> Result<BegunPayment, BeginPaymentError>;

    /// Records the gateway's intent for a payment, and the response to the customer's request. Safe to repeat.
    async fn attach(
        &self,
        id: PaymentId,
        intent: Intent,
        idempotency: Option<Idempotency>,
        at: Timestamp,
    ) -> Result<Idempotent<PaymentReceipt>, BeginPaymentError>;

    /// Records that the gateway will never carry out a payment: nobody can pay it any more, and the payment that it
    /// replaced is open again. Safe to repeat. The rule is [`Payment::refuse`].
    async fn refuse(&self, payment: &Payment, at: Timestamp) -> Result<(), Unavailable>;
}
