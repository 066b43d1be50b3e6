//! Requests and responses as JSON, apart from the domain, so that neither moves with the other. What one handler
//! alone uses is in its file.

mod menu_item;
mod money;
pub mod names;
mod nothing;
mod number;
mod order;
mod patched;
mod payment;
mod time;
mod user;

pub use self::{
    menu_item::{MenuItemResponse, Shown},
    money::{MoneyResponse, PatchedPriceRequest, PriceRequest},
    nothing::Nothing,
    number::{QueryInteger, WireInteger},
    order::{OrderLineResponse, OrderResponse, SelectedOptionResponse, order_lines},
    patched::Patched,
    payment::PaymentResponse,
    time::{MomentOrDate, TimeZoneName, WireTime, Written},
    user::UserResponse,
};
