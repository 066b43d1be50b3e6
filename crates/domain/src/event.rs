//! What others are told of what happened.

use uuid::Uuid;

use crate::{
    AccountId, Email, MenuItemId, MenuItemName, Money, OrderId, OrderNumber, OrderStatus, PaymentId, PaymentMethod,
    PersonName, Timestamp,
};

/// Something that happened, once committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Names the event for good. One that is told twice has the same.
    pub id: i64,
    /// What belongs together and is told in its order: an order, or a menu item.
    pub stream: Uuid,
    /// When, in whole milliseconds.
    pub occurred_at: Timestamp,
    /// What.
    pub happened: EventKind,
    /// Whether an earlier event of the stream could not be told to this subscriber yet, so that this one has to wait.
    pub is_held: bool,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// An order was placed.
    OrderPlaced(OrderEvent),
    /// An order has moved on, or was cancelled.
    OrderStatusChanged(OrderEvent),
    /// An order was paid.
    PaymentSucceeded(OrderEvent, PaymentEvent),
    /// A card was refused; the customer may try again.
    PaymentFailed(OrderEvent, PaymentEvent),
    /// Money was given back.
    PaymentRefunded(OrderEvent, PaymentEvent),
    /// The last portion of a menu item is gone.
    ItemSoldOut {
        /// The menu item.
        id: MenuItemId,
        /// Its name.
        name: MenuItemName,
    },
}

impl EventKind {
    /// The name in storage and for subscribers.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::OrderPlaced(_) => "order.placed",
            Self::OrderStatusChanged(_) => "order.status_changed",
            Self::PaymentSucceeded(..) => "payment.succeeded",
            Self::PaymentFailed(..) => "payment.failed",
            Self::PaymentRefunded(..) => "payment.refunded",
            Self::ItemSoldOut { .. } => "item.sold_out",
        }
    }
}

/// An order, as it was when it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderEvent {
    /// Which.
    pub id: OrderId,
    /// What is called out at the counter.
    pub number: OrderNumber,
    /// Where it stood then.
    pub status: OrderStatus,
    /// Counted from 1 with every change of the order.
    pub version: u32,
    /// What it costs.
    pub total: Money,
    /// Whose.
    pub customer_id: AccountId,
    /// Where to reach them.
    pub email: Email,
    /// How to address them.
    pub name: PersonName,
}

/// A payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentEvent {
    /// Which.
    pub id: PaymentId,
    /// How.
    pub method: PaymentMethod,
    /// How much.
    pub amount: Money,
    /// How much of it goes back, all in all.
    pub refunded: Money,
}
