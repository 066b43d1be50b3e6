use async_trait::async_trait;
use thiserror::Error;

use crate::{Intent, IntentId, Payment, RefundStatus, Timestamp};

use super::{DueRefund, IntentReport, RefundReport, Unavailable};

/// Why the gateway did not do it.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum GatewayError {
    /// It will not, however often it is asked.
    #[error("the payment gateway refuses: {0}")]
    Refused(String),
    /// It is not within reach, is busy, or failed. Whether it was done is unknown.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// An event is not the gateway's, or too old to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum BadEvent {
    /// The signature is missing, malformed, or made with another secret.
    #[error("the signature does not fit the body")]
    Signature,
    /// The signature is from another time: somebody may be replaying it.
    #[error("the signature is too old, or from the future")]
    Stale,
    /// It was signed, and is not understood.
    #[error("the body is no event")]
    Malformed,
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayReport {
    /// Of a payment.
    Intent(IntentReport),
    /// Of a refund.
    Refund(RefundReport),
    /// Of something that is not followed here.
    Other,
}

/// An event of the gateway's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayEvent {
    /// The gateway's name for it. An event that comes twice has the same.
    pub id: String,
    /// What it says.
    pub report: GatewayReport,
}

/// Who takes cards for us. No card's data ever reaches this program: the customer's browser pays with the intent's secret.
///
/// Everything can be repeated without being done twice: payments and refunds go by the ids they have here.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait PaymentGateway: Send + Sync {
    /// An intent for a payment: a new one, or the one it already has.
    async fn create(&self, payment: &Payment) -> Result<Intent, GatewayError>;

    /// An intent as it stands.
    async fn find(&self, id: &IntentId) -> Result<Option<Intent>, GatewayError>;

    /// Sees to it that nobody can pay it any more; the answer may be that somebody has.
    async fn cancel(&self, id: &IntentId) -> Result<Intent, GatewayError>;

    /// Gives money back.
    async fn refund(&self, refund: &DueRefund) -> Result<RefundStatus, GatewayError>;

    /// Reads an event that is signed for us.
    fn verify(&self, signature: &str, body: &[u8], now: Timestamp) -> Result<GatewayEvent, BadEvent>;

    /// Reads an event that was verified before.
    fn read(&self, body: &str) -> Result<GatewayEvent, BadEvent>;
}
