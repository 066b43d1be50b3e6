use comanda_domain::{
    AccountId, Availability, MenuItemId, OptionId, OrderId, OrderStatus, PaymentId, PaymentStatus, RefundId,
    RefundStatus, SupplyId, TicketId, TicketState,
};
use serde::{Deserialize, Serialize};

use super::{Counter, Digest};

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The whole response was read.
    Response(Response),
    /// No whole response: why, in a few words. It may have happened or not, or happen later.
    Unknown(String),
}

/// A response, with the parts of it that matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    pub status: u16,
    /// The problem's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Of the body's bytes. Needed where an `Idempotency-Key` went along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Whether `Idempotency-Replayed: true` came along.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replayed: bool,
    /// In seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    #[serde(default, skip_serializing_if = "Shown::is_nothing")]
    pub shown: Shown,
}

impl Response {
    /// A response without a body.
    pub const fn empty(status: u16) -> Self {
        Self { status, code: None, digest: None, replayed: false, retry_after: None, shown: Shown::Nothing }
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// What a response, or a message of a stream, shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    #[default]
    Nothing,
    Order(OrderShown),
    Orders(Vec<OrderShown>),
    Shortages {
        #[serde(default)]
        items: Vec<ItemShortage>,
        #[serde(default)]
        supplies: Vec<SupplyShortage>,
    },
    Payment(PaymentShown),
    Refund(RefundShown),
    Stock(StockShown),
    Item(MenuItemShown),
    Menu(MenuShown),
    Lock(LockShown),
    /// Which refresh token was exchanged for which.
    Exchanged {
        token: Digest,
        successor: Digest,
    },
    Ticket(TicketShown),
    Tickets(Vec<TicketShown>),
}

impl Shown {
    pub const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

/// An order as a response shows it. Amounts are minor units of the one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderShown {
    pub id: OrderId,
    pub customer: AccountId,
    pub status: OrderStatus,
    pub version: u32,
    pub total: i64,
    pub line_count: u32,
    /// If they are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<LineShown>>,
}

/// A line as it was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineShown {
    pub item: MenuItemId,
    pub quantity: u32,
    pub unit_price: i64,
    pub line_total: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub selections: Vec<SelectionShown>,
}

/// An option as it was accepted with a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelectionShown {
    pub option: OptionId,
    pub quantity: u32,
    pub unit_price: i64,
}

/// A menu item that there is not enough of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemShortage {
    pub item: MenuItemId,
    pub requested: i64,
    pub available: i64,
}

/// A supply that there is not enough of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupplyShortage {
    pub supply: SupplyId,
    pub requested: i64,
    pub available: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentShown {
    pub id: PaymentId,
    pub status: PaymentStatus,
    pub amount: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundShown {
    pub id: RefundId,
    pub payment: PaymentId,
    pub amount: i64,
    pub status: RefundStatus,
}

/// A stock by the time of its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockShown {
    pub of: Counter,
    pub stock: i64,
    pub version: u64,
    pub revision: u32,
}

/// A menu item, by itself or within the menu.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuItemShown {
    pub id: MenuItemId,
    pub revision: u32,
    pub price: i64,
    pub availability: Availability,
    /// For staff, if it is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock: Option<i64>,
    /// For staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

/// The whole menu.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuShown {
    pub version: u64,
    /// Of the body, in one and the same representation.
    pub text: Digest,
    /// Its items. They may be left out where a record of the run has shown the same `text` before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<MenuItemShown>>,
}

/// A lock as admins see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockShown {
    pub attempts: u32,
    pub level: u32,
    /// Milliseconds since 1970.
    pub locked_at_ms: i64,
    pub unlock_at_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketShown {
    pub id: TicketId,
    pub order: OrderId,
    pub state: TicketState,
    pub version: u32,
}
