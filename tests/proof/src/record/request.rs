use comanda_domain::{
    AccountId, MenuItemId, OptionId, OrderId, OrderStatus, PaymentId, PaymentMethod, Role, SupplyId, TicketId,
    TicketState,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{SessionId, Shown};

/// What was asked for, as far as anything is said about it: everything that a run does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// `POST /v1/orders`. 201 shows [`Shown::Order`] with its lines, a 409 for want of stock [`Shown::Shortages`].
    PlaceOrder { lines: Vec<OrderedLine> },
    /// `POST …/cancel`. Shows [`Shown::Order`].
    Cancel { order: OrderId },
    /// `POST …/status`. Shows [`Shown::Order`].
    ChangeStatus { order: OrderId, to: OrderStatus },
    /// `GET /v1/orders/{id}`. Shows [`Shown::Order`].
    ReadOrder { order: OrderId },
    /// `GET /v1/orders`, which may be read from a replica. Shows [`Shown::Orders`].
    ListOrders,

    /// `POST …/payments`. Shows [`Shown::Payment`].
    Pay { order: OrderId, method: PaymentMethod },
    /// The customer pays at the gateway, as a browser would. A success (2xx) says that the gateway has taken the
    /// money, or has refused the card.
    PayAtGateway { payment: PaymentId, way: PaymentWay },
    /// `POST …/settle`. Shows [`Shown::Payment`].
    Settle { order: OrderId, payment: PaymentId },
    /// `POST …/refunds`. `reason` must be unique within the run. Shows [`Shown::Refund`].
    Refund {
        order: OrderId,
        payment: PaymentId,
        /// `None`: all that is left.
        amount: Option<i64>,
        reason: String,
    },

    /// `POST …/stock` of a menu item or a supply: a delivery, waste, or a stock-take. `reason` must be unique within
    /// the run: it is how the row in the ledger is found. Shows [`Shown::Stock`].
    AdjustStock { of: Counter, change: Change, reason: String },
    /// `comanda menu import`, `comanda supplies import` and the like, by their exit code (0 is 200). The ledger's rows
    /// have this reason.
    Import { reason: String },
    /// `PATCH /v1/menu/items/{id}`, `PUT …/recipe` and `…/option-groups`, `DELETE`: whatever raises an item's
    /// revision. Shows [`Shown::Item`].
    EditItem {
        item: MenuItemId,
        /// The revision in `If-Match`.
        if_match: Option<u32>,
        change: MenuChange,
    },
    /// `POST /v1/menu/items`. Shows [`Shown::Item`].
    AddItem { stock: Option<i64> },
    /// `GET /v1/menu`. 200 shows [`Shown::Menu`]. So does a 304, as the menu that the `ETag` stands for.
    ReadMenu,
    /// `GET /v1/menu/items/{id}`. Shows [`Shown::Item`]: with its stock and version if staff asked.
    ReadItem { item: MenuItemId },
    /// `GET /v1/supplies/{id}`. Shows [`Shown::Stock`].
    ReadSupply { supply: SupplyId },

    /// `POST /v1/users`.
    SignUp { email: String },
    /// `POST /v1/sessions` and `/v1/web/sessions`. The session is this record's sequence number. A 429
    /// `account-locked` has its `retry_after`. A session that goes along, in a browser's cookie, is replaced: it ends.
    SignIn {
        /// As it is counted: in one form.
        email: String,
        /// A device that the account has signed in from before, which has an allowance of its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<u32>,
        /// Whether the password was the right one of an account that is not disabled. What a change of the password
        /// that nobody knows the outcome of may have made wrong is `None`. Nothing needs to be locked after a refusal
        /// of those.
        right: Option<bool>,
    },
    /// `POST /v1/sessions/refresh` with the newest refresh token of the record's session. Shows [`Shown::Exchanged`].
    Refresh,
    /// `POST /v1/sessions/refresh` with a token of the record's session that was exchanged long before, or whose
    /// successor was exchanged, too: closes it.
    RefreshAgain,
    /// `DELETE /v1/sessions/current` and `/v1/web/sessions/current`, of the record's session.
    SignOut,
    /// Anything that would change something, sent by a browser with the cookie of the record's session, but by another
    /// page than ours, or without the CSRF token: it must be refused.
    Forge { what: String },
    /// `DELETE /v1/me/sessions…` and `DELETE /v1/admin/users/{id}/sessions`.
    EndSessions { which: WhichSessions },
    /// `PUT /v1/me/password`: closes all sessions of the account but the record's.
    ChangePassword,
    /// `PATCH /v1/admin/users/{id}`: a promotion or a demotion closes all sessions of the account.
    ChangeRole { account: AccountId, to: Role },
    /// The same with `disabled`: true closes all sessions of the account.
    Disable { account: AccountId, disabled: bool },
    /// `DELETE /v1/admin/lockouts/{email}`, or a password reset that was redeemed.
    Unlock { email: String },
    /// `GET /v1/admin/lockouts/{email}`. 200 shows [`Shown::Lock`], 404 that there is none.
    ReadLock { email: String },

    /// `POST /v1/kitchen/tickets/{id}/state`. Shows [`Shown::Ticket`].
    ChangeTicket { ticket: TicketId, to: TicketState },
    /// `GET /v1/kitchen/tickets`, all pages. Shows [`Shown::Tickets`].
    ReadTickets {
        /// Whether exactly those that are open were asked for, of every station.
        open: bool,
    },

    /// Something about an event stream: `…/events` of an order, or of the kitchen. `stream` stands for one connection
    /// and is unique within the run. The outcome is a 200 that shows nothing.
    Stream { stream: u64, of: Option<OrderId>, message: StreamMessage },
    /// A webhook that a receiver got, whatever it responded. The outcome is that response.
    Webhook(WebhookEvent),

    /// Something was broken, from `begin` to `end`: until everything was as before.
    Fault { fault: Fault },
    /// Any other call, of which only its session is looked at.
    Other { what: String },
}

/// A line of an order, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderedLine {
    pub item: MenuItemId,
    pub quantity: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub selections: Vec<Selection>,
}

/// An option that was chosen with a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    pub option: OptionId,
    pub quantity: u32,
}

/// What has a stock, and a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counter {
    Item(MenuItemId),
    Supply(SupplyId),
}

/// How a stock is adjusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Delta(i64),
    /// A stock-take: how much there is.
    Counted(i64),
}

/// What an edit of a menu item sets. What is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuChange {
    /// Unique among the prices that the item ever has, if possible: then orders show which revision they were sold at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// Something else: its name, its recipe, what can be chosen with it.
    #[serde(default)]
    pub other: bool,
}

/// How a customer pays at the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentWay {
    Succeeds,
    Declined,
    NeedsAuthentication,
}

/// Which sessions are ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhichSessions {
    One(SessionId),
    /// All of the caller's but the record's own.
    Others,
    All(AccountId),
}

/// What came over an event stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamMessage {
    /// The response's head was read. `resumed` says that a `Last-Event-ID` went along.
    Opened { resumed: bool },
    /// `event: reset`: a snapshot follows, and what was known is forgotten.
    Reset,
    /// `event: snapshot`. Shows [`Shown::Tickets`] or [`Shown::Order`].
    Snapshot(Shown),
    /// `event: ticket` or `event: order`. Shows [`Shown::Ticket`] or [`Shown::Order`].
    Changed(Shown),
    /// It has ended, however. One that has not is taken to have been read until the tables were.
    Closed,
}

/// A webhook, as its receiver understood it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEvent {
    /// The receiver's name.
    pub receiver: String,
    /// The event's public id.
    pub id: Uuid,
    /// Such as `order.placed`.
    pub kind: String,
    /// The order or the menu item.
    pub subject: Uuid,
    /// The time of the event, in milliseconds since 1970.
    pub time_ms: i64,
    /// `data.status`, of an order's own events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<OrderStatus>,
    /// `data.version`, of an order's own events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// `data.payment.id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentId>,
}

/// What was broken. Only some of it changes what may be expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Redis was gone, slow or forgetful: lockouts and limits may be forgotten, or each server may decide for itself.
    Redis,
    /// The database failed over to one that may know less: nothing of the menu is expected to go forwards across it.
    Failover,
    /// A server was killed or ended: what it was to tell others later is lost with it. Which one, `server` says.
    ServerEnded,
    /// A server says that it could not reach what all of them know of lockouts, and went by what it knew itself.
    LockoutsAlone,
    /// Anything else, in words.
    Other(String),
}
