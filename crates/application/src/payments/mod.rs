//! Taking payments for orders, and refunding them.

mod pay_order;
mod process_payments;
mod receive_gateway_event;
mod reconcile_payments;
mod refund_payment;
mod settle_payment;

pub use pay_order::{PayOrder, PayOrderError};
pub use process_payments::{Gateway, ProcessPayments};
pub use receive_gateway_event::{ReceiveEventError, ReceiveGatewayEvent};
pub use reconcile_payments::{Difference, ReconcilePayments};
pub use refund_payment::RefundPayment;
pub use settle_payment::SettlePayment;
