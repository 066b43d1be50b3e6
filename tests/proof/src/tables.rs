//! What the database and the gateway say at the end of a run, when everything has come to rest.

use std::collections::BTreeMap;

use comanda_domain::{
    AccountId, MenuItemId, OptionId, OrderId, OrderStatus, PaymentId, PaymentMethod, PaymentStatus, RefundId,
    RefundStatus, SupplyId, TicketId, TicketState,
};
use serde::{Deserialize, Serialize};

use uuid::Uuid;

use crate::Counter;

/// The end state: read by one snapshot, after the last call has ended, all events were delivered and the gateway's
/// reports handled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tables {
    /// By the clock of the history.
    pub read_at: u64,
    pub settings: Settings,
    pub items: Vec<ItemRow>,
    pub supplies: Vec<SupplyRow>,
    /// `stock_adjustments` and `supply_adjustments`.
    pub ledger: Vec<LedgerRow>,
    pub orders: Vec<OrderRow>,
    pub payments: Vec<PaymentRow>,
    pub refunds: Vec<RefundRow>,
    pub tickets: Vec<TicketRow>,
    pub events: Vec<EventRow>,
    /// Events whose delivery was given up, by their ids.
    pub dead_letters: Vec<i64>,
    /// What the gateway has taken and given back. `None`: it keeps no book.
    pub gateway: Option<Vec<GatewayRow>>,
}

/// What the servers were told, as far as it changes what may be expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub lockout: LockoutSettings,
    /// How soon every server knows of a session that another one has closed. The server that closed it knows at once.
    pub sessions_close_within_ms: u64,
    /// How soon every server shows at least the version of the menu that another one has shown: half a second, and what
    /// a machine takes that has more to do than it can.
    pub menu_shown_within_ms: u64,
    /// The receivers of webhooks, each of which gets every event.
    pub receivers: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lockout: LockoutSettings::default(),
            sessions_close_within_ms: 2000,
            menu_shown_within_ms: 15_000,
            receivers: Vec::new(),
        }
    }
}

/// When an address is locked, and for how long: the domain's policy in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LockoutSettings {
    pub free_failures: u32,
    pub window_s: u64,
    pub steps_s: [u64; 4],
    pub quiet_s: u64,
}

impl Default for LockoutSettings {
    fn default() -> Self {
        Self { free_failures: 5, window_s: 86_400, steps_s: [60, 300, 900, 3600], quiet_s: 86_400 }
    }
}

/// A row of `menu_items`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemRow {
    pub id: MenuItemId,
    pub version: u64,
    pub revision: u32,
    pub price: i64,
    /// `None`: it is not counted.
    pub stock: Option<i64>,
    pub archived: bool,
}

/// A row of `supplies`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupplyRow {
    pub id: SupplyId,
    pub version: u64,
    pub revision: u32,
    pub stock: i64,
}

/// A row of a ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRow {
    pub of: Counter,
    pub delta: i64,
    pub reason: String,
}

/// A row of `orders` with its lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRow {
    pub id: OrderId,
    pub customer: AccountId,
    /// The `Idempotency-Key` that it was placed under.
    #[serde(default)]
    pub key: Option<String>,
    pub status: OrderStatus,
    pub version: u32,
    pub total: i64,
    /// It was never pending.
    #[serde(default)]
    pub accepted_on_placement: bool,
    pub lines: Vec<LineRow>,
}

/// A row of `order_lines`, by position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineRow {
    pub item: MenuItemId,
    pub quantity: u32,
    pub unit_price: i64,
    /// What the selections cost with one of the item.
    #[serde(default)]
    pub extras: i64,
    /// Whether it took of the item's stock.
    pub counted: bool,
    /// The options that were chosen, how often, and the price of one, in the order chosen.
    #[serde(default)]
    pub selections: Vec<(OptionId, u32, i64)>,
    /// What it took of supplies.
    #[serde(default)]
    pub taken: BTreeMap<SupplyId, i64>,
}

/// A row of `payments`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRow {
    pub id: PaymentId,
    pub order: OrderId,
    pub method: PaymentMethod,
    pub status: PaymentStatus,
    pub amount: i64,
    pub refunded: i64,
    /// Whether `paid_at` is set.
    pub paid: bool,
    /// The gateway's name for it.
    #[serde(default)]
    pub intent: Option<String>,
}

/// A row of `refunds`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundRow {
    pub id: RefundId,
    pub payment: PaymentId,
    pub amount: i64,
    pub status: RefundStatus,
    pub reason: String,
}

/// A row of `kitchen_tickets`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRow {
    pub id: TicketId,
    pub order: OrderId,
    pub state: TicketState,
    pub version: u32,
    /// Positions of the order's lines.
    #[serde(default)]
    pub lines: Vec<u16>,
}

/// A row of `outbox_events`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    pub id: i64,
    /// Such as `order.placed`.
    pub kind: String,
    /// The order, the payment, the menu item or the ticket.
    pub subject: Uuid,
    pub version: u32,
    /// `stream_id`, or the subject if that is null.
    pub stream: Uuid,
    /// `order_status`.
    #[serde(default)]
    pub status: Option<OrderStatus>,
    /// `occurred_at`, in whole milliseconds since 1970, rounded down.
    pub time_ms: i64,
    /// `transaction_id`: events are delivered in the order of their transactions, and of their ids within one.
    #[serde(default)]
    pub transaction: Option<i64>,
}

/// What the gateway has of one intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayRow {
    pub intent: String,
    /// The payment that its metadata names.
    pub payment: Option<PaymentId>,
    /// What was taken from the customer.
    pub received: i64,
    /// What was given back of it.
    pub refunded: i64,
    pub cancelled: bool,
}
