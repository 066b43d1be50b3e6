//! Taking payments for orders, and refunding them.

mod list_refunds;
mod pay;
mod process;
mod receive;
mod reconcile;
mod record_refund;
mod refund;
mod settle;

use std::sync::Arc;

use comanda_domain::{
    ChargeableAmounts, PaymentTerms,
    ports::{
        self, Checkout, Clock, GatewayEvents, GatewayInbox, IdGenerator, OverdueOrders, PaymentGateway, PaymentIntents,
        Refunds, WorkQueue,
    },
};

pub use pay::PayOrderError;
pub use process::{Duty, FailedWork, Round};
pub use receive::ReceiveEventError;
pub use reconcile::{Difference, Reconciliation};

/// Payments, from beginning one to refunding it. One file per verb.
#[derive(Clone)]
pub struct Payments {
    pub payments: Arc<dyn ports::Payments>,
    pub checkout: Arc<dyn Checkout>,
    pub intents: Arc<dyn PaymentIntents>,
    pub refunds: Arc<dyn Refunds>,
    pub inbox: Arc<dyn GatewayInbox>,
    /// Orders that were not paid in time are cancelled.
    pub overdue: Arc<dyn OverdueOrders>,
    /// `None`: no payment gateway is configured, and cards are not taken.
    pub gateway: Option<Gateway>,
    /// Wakes whoever calls [`Payments::process`].
    pub work: Arc<dyn WorkQueue>,
    pub ids: Arc<dyn IdGenerator>,
    pub clock: Arc<dyn Clock>,
    /// How long an order waits for its money.
    pub terms: PaymentTerms,
}

/// The payment gateway: what it can be asked, and how its events are read.
#[derive(Clone)]
pub struct Gateway {
    pub calls: Arc<dyn PaymentGateway>,
    pub events: Arc<dyn GatewayEvents>,
    /// What it can charge to a card.
    pub chargeable: ChargeableAmounts,
}
