//! `/v1/orders/{id}/payments`, and what the payment gateway sends.

mod offline_pay;
mod pay;
mod refund;
mod settle;
mod stripe_webhook;
mod waker;

pub use offline_pay::{__path_offline_pay, offline_pay};
pub use pay::{__path_pay, pay};
pub use refund::{__path_refund, refund};
pub use settle::{__path_settle, settle};
pub use stripe_webhook::{__path_stripe_webhook, stripe_webhook};
pub use waker::PaymentsWaker;
