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
    AccountPage, AccountResponse, AuditPage, FlagResponse, LockoutPage, LockoutResponse, PatchAccountRequest,
    SetFlagRequest, UnlockRequest,
};
pub use dead_letter::{DeadLetterPage, DeadLetterResponse};
pub use menu_item::{
    AdjustStockRequest, MenuItemPage, MenuItemResponse, MenuResponse, NewMenuItemRequest, PatchMenuItemRequest, Shown,
};
pub use money::MoneyResponse;
pub use number::{QueryInteger, WireInteger};
pub use order::{
    AdvanceOrderRequest, CancelOrderRequest, OrderPage, OrderResponse, PlaceOrderRequest, relations_in, status_in,
};
pub use page::PageQuery;
pub use payment::{OfflinePayRequest, PayRequest, PaymentResponse, RefundRequest, RefundResponse};
pub use sales::{SalesReport, TopItems, interval_in, period_in, zone_in};
pub use time::WireTime;
pub use user::{
    BrowserSessionResponse, ChangePasswordRequest, LogInRequest, PatchMeRequest, RefreshRequest, RegisterRequest,
    SessionResponse, UserResponse,
};
