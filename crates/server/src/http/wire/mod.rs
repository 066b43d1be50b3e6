//! Requests and answers as JSON, apart from the domain, so that neither moves with the other.

mod admin;
mod dead_letter;
mod menu_item;
mod money;
mod number;
mod order;
mod page;
mod payment;
mod sales;
mod time;
mod user;

pub use admin::{
    AccountAnswer, AccountPage, AuditPage, FlagAnswer, LockoutAnswer, LockoutPage, PatchAccountRequest, SetFlagRequest,
    UnlockRequest,
};
pub use dead_letter::{DeadLetterAnswer, DeadLetterPage};
pub use menu_item::{
    AdjustStockRequest, MenuAnswer, MenuItemAnswer, MenuItemPage, NewMenuItemRequest, PatchMenuItemRequest, Shown,
};
pub use money::MoneyAnswer;
pub use number::{QueryInteger, WireInteger};
pub use order::{
    AdvanceOrderRequest, CancelOrderRequest, OrderAnswer, OrderPage, PlaceOrderRequest, relations_in, status_in,
};
pub use page::PageQuery;
pub use payment::{OfflinePayRequest, PayRequest, PaymentAnswer, RefundAnswer, RefundRequest};
pub use sales::{SalesReport, TopItems, interval_in, period_in, zone_in};
pub use time::WireTime;
pub use user::{
    BrowserSessionAnswer, ChangePasswordRequest, LogInRequest, PatchMeRequest, RefreshRequest, RegisterRequest,
    SessionAnswer, UserAnswer,
};
