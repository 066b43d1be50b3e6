use super::{IntentRefund, IntentState};
use crate::{Money, PaymentId};

/// The gateway's id for a payment that it carries out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IntentId(pub String);

/// The secret with which a customer's browser pays. Must not be logged.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(pub String);

impl std::fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientSecret(…)")
    }
}

/// A payment as the gateway carries it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The gateway's id for it.
    pub id: IntentId,
    /// The secret the customer pays with, if the gateway has returned it.
    pub client_secret: Option<ClientSecret>,
    /// The state the gateway says it is in.
    pub state: IntentState,
    /// The amount to be paid.
    pub amount: Money,
    /// How much has been paid, if the gateway says so.
    pub received: Option<Money>,
    /// What the gateway has refunded of it.
    pub refunds: Vec<IntentRefund>,
    /// The payment it is for, by the id that we gave the gateway.
    pub payment_id: Option<PaymentId>,
}
