//! Taking money for orders, and giving it back.

mod pay_order;
mod receive_gateway_event;
mod reconcile_payments;
mod refund_payment;
mod settle_payment;
mod tend_payments;

pub use pay_order::{PayOrder, PayOrderError};
pub use receive_gateway_event::{ReceiveEventError, ReceiveGatewayEvent};
pub use reconcile_payments::{Difference, ReconcilePayments};
pub use refund_payment::RefundPayment;
pub use settle_payment::SettlePayment;
pub use tend_payments::TendPayments;
