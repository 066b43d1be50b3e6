//! `/v1/orders/{id}/payments`, and what the payment gateway sends

mod list_refunds;
mod offline_pay;
mod pay;
mod refund;
mod settle;
mod stripe_webhook;

pub use self::{
    list_refunds::{__path_list_refunds, list_refunds},
    offline_pay::{__path_offline_pay, offline_pay},
    pay::{__path_pay, pay},
    refund::{__path_refund, refund},
    settle::{__path_settle, settle},
    stripe_webhook::{__path_stripe_webhook, stripe_webhook},
};
