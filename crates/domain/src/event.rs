//! Events that are delivered to subscribers.

use uuid::Uuid;

use crate::{
    AccountId, Email, MenuItemId, MenuItemName, Money, OrderId, OrderLine, OrderNumber, OrderStatus, PaymentId,
    PaymentMethod, PersonName, Timestamp,
};

/// Something that happened, once committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number in storage. After a restore or a failover another event may get the number of one that was lost.
    pub id: i64,
    /// The id that receivers know it by: an event that is delivered twice has the same one, and no other event ever
    /// has it.
    pub public_id: Uuid,
    /// The order or menu item it belongs to. Events of one stream are delivered in order.
    pub stream: Uuid,
    /// When it happened, in whole milliseconds.
    pub occurred_at: Timestamp,
    /// What happened, and to what.
    pub happened: EventKind,
    /// Whether an earlier event of the stream is still undelivered to this subscriber, so that this one has to wait.
    pub is_held: bool,
}

/// The kind of an event, with the order, the payment or the menu item that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// An order was placed, with these lines.
    OrderPlaced(OrderEvent, Vec<OrderLine>),
    /// An order moved to its next status, or was cancelled.
    OrderStatusChanged(OrderEvent),
    /// An order was paid.
    PaymentSucceeded(OrderEvent, PaymentEvent),
    /// A card was refused; the customer may try again.
    PaymentFailed(OrderEvent, PaymentEvent),
    /// Money was refunded.
    PaymentRefunded(OrderEvent, PaymentEvent),
    /// A menu item is sold out.
    ItemSoldOut {
        /// The menu item.
        id: MenuItemId,
        /// Its name.
        name: MenuItemName,
    },
}

impl EventKind {
    /// The names of all kinds.
    pub const NAMES: [&str; 6] = [
        "order.placed",
        "order.status_changed",
        "payment.succeeded",
        "payment.failed",
        "payment.refunded",
        "item.sold_out",
    ];

    /// The name in storage and for subscribers.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::OrderPlaced(..) => "order.placed",
            Self::OrderStatusChanged(_) => "order.status_changed",
            Self::PaymentSucceeded(..) => "payment.succeeded",
            Self::PaymentFailed(..) => "payment.failed",
            Self::PaymentRefunded(..) => "payment.refunded",
            Self::ItemSoldOut { .. } => "item.sold_out",
        }
    }
}

/// The order, as it was when the event happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderEvent {
    /// The id.
    pub id: OrderId,
    /// The number that is called out at the counter.
    pub number: OrderNumber,
    /// Its status after the event.
    pub status: OrderStatus,
    /// Counted from 1 with every change of the order.
    pub version: u32,
    /// Its total.
    pub total: Money,
    /// The customer.
    pub customer_id: AccountId,
    /// The customer's address.
    pub email: Email,
    /// Whether the address is verified. One that is not gets no mail about the order.
    pub email_verified: bool,
    /// The customer's name.
    pub name: PersonName,
}

/// The payment, as it was when the event happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentEvent {
    /// The id.
    pub id: PaymentId,
    /// How it is paid.
    pub method: PaymentMethod,
    /// Its amount.
    pub amount: Money,
    /// How much of it has been refunded, all in all.
    pub refunded: Money,
}
