use async_trait::async_trait;
use thiserror::Error;

use crate::{Intent, IntentId, IntentRefund, Payment};

use super::{DueRefund, Unavailable};

/// Why the gateway did not do what it was asked.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum GatewayError {
    /// It refuses what it was asked. Asking again is of no use.
    #[error("the payment gateway refuses: {0}")]
    Refused(String),
    /// It refuses for the sake of our account or of the way there: the key is wrong, or not allowed to do this, the
    /// account has no money left, or whoever responds is not the gateway. Asking again is of use once an operator has
    /// mended that.
    #[error("the payment gateway cannot be used as it is set up: {0}")]
    Misconfigured(String),
    /// It cannot be reached, is busy, or failed. Whether it did what it was asked is unknown; asking again can help.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// The payment gateway, which takes cards. No card data ever reaches this program: the customer's browser pays with the
/// intent's secret.
///
/// Every call can be repeated without doing anything twice: the gateway knows payments and refunds by the ids they have
/// here.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait PaymentGateway: Send + Sync {
    /// Creates an intent for a payment, or finds the one it already has.
    async fn create(&self, payment: &Payment) -> Result<Intent, GatewayError>;

    /// Reads an intent as it stands now.
    async fn find(&self, id: &IntentId) -> Result<Option<Intent>, GatewayError>;

    /// Cancels an intent, so that nobody can pay it any more. The returned intent may say that somebody has paid it.
    async fn cancel(&self, id: &IntentId) -> Result<Intent, GatewayError>;

    /// Refunds money of an intent. Returns the refund as the gateway has made it.
    async fn refund(&self, refund: &DueRefund) -> Result<IntentRefund, GatewayError>;
}
