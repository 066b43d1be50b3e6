//! Placing orders and seeing them through.

mod advance_order;
mod cancel_order;
mod list_orders;
mod place_order;
mod read_order;
mod relations;

pub use advance_order::AdvanceOrder;
pub use cancel_order::CancelOrder;
pub use list_orders::ListOrders;
pub use place_order::{IdempotentRequest, PlaceOrder};
pub use read_order::ReadOrder;
pub use relations::{RelatedOrder, Relations};
