use chrono::{DateTime, Utc};
use comanda_domain::{
    AccountId, Currency, Email, Event, EventKind, MenuItemId, MenuItemName, Money, OrderEvent, OrderId, OrderLine,
    OrderNumber, OrderStatus, PaymentEvent, PaymentId, PaymentMethod, PersonName, ports::Readable,
};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use uuid::Uuid;

use crate::database::{RowOf, StoredTime};

/// Under which the ids of events are derived. It must never change.
const NAMESPACE: Uuid = Uuid::from_u128(0x5f1d_3b0a_64d2_4b0e_9c57_0c8a_7e21_b94d);

/// The columns of an [`EventRow`], of an event `e`.
pub(super) const EVENT_COLUMNS: &str = "e.id, e.kind, e.occurred_at, e.subject_id, e.subject_version, \
    coalesce(e.stream_id, e.subject_id) AS stream, \
    e.order_status AS status_told, o.accepted_on_placement, \
    o.number, o.status AS order_status, o.version AS order_version, o.total, \
    o.customer_id, u.email, u.email_verified_at IS NOT NULL AS email_verified, u.name AS customer_name, \
    p.method, p.amount, p.refunded, i.name AS item_name";

/// The order, its customer, the payment and the menu item of an event `e`, whichever it has.
pub(super) const EVENT_JOINS: &str = "\
    LEFT JOIN orders o ON o.id = coalesce(e.stream_id, e.subject_id) AND e.kind <> 'item.sold_out' \
    LEFT JOIN users u ON u.id = o.customer_id \
    LEFT JOIN payments p ON p.id = e.subject_id AND e.kind LIKE 'payment.%' \
    LEFT JOIN menu_items i ON i.id = e.subject_id AND e.kind = 'item.sold_out'";

#[derive(QueryableByName)]
pub(super) struct EventRow {
    #[diesel(sql_type = BigInt)]
    pub(super) id: i64,
    #[diesel(sql_type = Text)]
    pub(super) kind: String,
    #[diesel(sql_type = Timestamptz, deserialize_as = StoredTime)]
    occurred_at: DateTime<Utc>,
    #[diesel(sql_type = SqlUuid)]
    subject_id: Uuid,
    #[diesel(sql_type = Integer)]
    subject_version: i32,
    #[diesel(sql_type = SqlUuid)]
    pub(super) stream: Uuid,
    #[diesel(sql_type = Nullable<BigInt>)]
    number: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    status_told: Option<String>,
    #[diesel(sql_type = Nullable<Bool>)]
    accepted_on_placement: Option<bool>,
    #[diesel(sql_type = Nullable<Text>)]
    order_status: Option<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    order_version: Option<i32>,
    #[diesel(sql_type = Nullable<BigInt>)]
    total: Option<i64>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    customer_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    email: Option<String>,
    #[diesel(sql_type = Bool)]
    email_verified: bool,
    #[diesel(sql_type = Nullable<Text>)]
    customer_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    method: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    amount: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    refunded: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    item_name: Option<String>,
    #[diesel(sql_type = Bool)]
    is_held: bool,
}

impl EventRow {
    /// Whether this server knows what it says. A newer one may have written it.
    pub(super) fn is_known(&self) -> bool {
        EventKind::NAMES.contains(&self.kind.as_str()) || !self.is_for_subscribers()
    }

    /// Whether it is delivered. What happens to tickets is told to the kitchen alone, which reads it by itself.
    pub(super) fn is_for_subscribers(&self) -> bool {
        self.kind != "ticket.changed"
    }

    /// The order that was placed, whose lines the event needs.
    pub(super) fn placed(&self) -> Option<OrderId> {
        (self.kind == "order.placed").then(|| OrderId::new(self.stream))
    }

    /// Of what happened, to what, and when: a database that has lost events gives their numbers, and the versions of
    /// their subjects, to others.
    fn public_id(&self) -> Uuid {
        let Self { id, kind, subject_id, subject_version, .. } = self;
        let at = self.occurred_at.timestamp_micros();
        Uuid::new_v5(&NAMESPACE, format!("{id} {kind} {subject_id} {subject_version} {at}").as_bytes())
    }

    /// `lines` are those of the order that was placed.
    pub(super) fn into_event(self, currency: Currency, lines: Readable<Vec<OrderLine>>) -> Readable<Event> {
        let (row, public_id) = (RowOf { table: "outbox_events", id: self.subject_id }, self.public_id());
        let happened = match self.kind.as_str() {
            "order.placed" => EventKind::OrderPlaced(self.order(currency, row)?, lines?),
            "order.status_changed" => EventKind::OrderStatusChanged(self.order(currency, row)?),
            "payment.succeeded" => {
                EventKind::PaymentSucceeded(self.order(currency, row)?, self.payment(currency, row)?)
            }
            "payment.failed" => EventKind::PaymentFailed(self.order(currency, row)?, self.payment(currency, row)?),
            "payment.refunded" => EventKind::PaymentRefunded(self.order(currency, row)?, self.payment(currency, row)?),
            "item.sold_out" => EventKind::ItemSoldOut {
                id: MenuItemId::new(self.subject_id),
                name: row.read("name", self.item_name.as_deref().map(MenuItemName::stored).ok_or("is missing"))?,
            },
            other => return row.read("kind", Err(format!("{other} is no kind of event"))),
        };
        let (id, stream, occurred_at, is_held) = (self.id, self.stream, self.occurred_at, self.is_held);
        Ok(Event { id, public_id, stream, occurred_at, happened, is_held })
    }

    fn order(&self, currency: Currency, row: RowOf<Uuid>) -> Readable<OrderEvent> {
        let of_order = self.stream == self.subject_id;
        let current = row.read("version", u32::try_from(self.order_version.unwrap_or_default()))?;
        let version = match of_order {
            true => row.read("subject_version", u32::try_from(self.subject_version))?,
            false => current,
        };
        let status = row.read("status", self.order_status.as_deref().unwrap_or_default().parse::<OrderStatus>())?;
        Ok(OrderEvent {
            id: OrderId::new(self.stream),
            number: OrderNumber::new(row.read("number", u64::try_from(self.number.unwrap_or_default()))?),
            status: self.status_at(status, current, version, row)?,
            version,
            total: Money::new(self.total.unwrap_or_default(), currency),
            customer_id: AccountId::new(self.customer_id.unwrap_or_default()),
            email: row.read("email", self.email.as_deref().map(Email::stored).ok_or("is missing"))?,
            email_verified: self.email_verified,
            name: row.read("name", self.customer_name.as_deref().map(PersonName::stored).ok_or("is missing"))?,
        })
    }

    /// The order's status after the event. A server of the release before did not say it: orders went one step at a
    /// time.
    fn status_at(&self, now: OrderStatus, current: u32, version: u32, row: RowOf<Uuid>) -> Readable<OrderStatus> {
        match &self.status_told {
            Some(told) => row.read("order_status", told.parse::<OrderStatus>()),
            None if version == 1 && self.accepted_on_placement == Some(true) => Ok(OrderStatus::Accepted),
            None => Ok(now.at_version(current, version)),
        }
    }

    fn payment(&self, currency: Currency, row: RowOf<Uuid>) -> Readable<PaymentEvent> {
        Ok(PaymentEvent {
            id: PaymentId::new(self.subject_id),
            method: row.read("method", self.method.as_deref().unwrap_or_default().parse::<PaymentMethod>())?,
            amount: Money::new(self.amount.unwrap_or_default(), currency),
            refunded: Money::new(self.refunded.unwrap_or_default(), currency),
        })
    }
}
