//! Requests and responses as JSON, apart from the domain, so that neither moves with the other. What one handler
//! alone uses is in its file.

mod menu_item;
mod money;
pub mod names;
mod number;
mod order;
mod patched;
mod payment;
mod time;
mod user;

pub use self::{
    menu_item::{MenuItemResponse, Shown},
    money::{MoneyResponse, PriceRequest},
    number::{QueryInteger, WireInteger},
    order::OrderResponse,
    patched::Patched,
    payment::PaymentResponse,
    time::WireTime,
    user::UserResponse,
};
