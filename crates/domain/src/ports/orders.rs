use std::collections::HashMap;

use async_trait::async_trait;
use thiserror::Error;

use crate::{
    AccountId, AuditAction, AuditRecord, Basket, CalledNumber, CancelledBy, Idempotency, KeyRefusal, NewOrder, Order,
    OrderId, OrderLimitReached, OrderLine, OrderScope, OrderStatus, OrderWithLines, Page, PageLimit, Quote,
    QuoteRefused, Reason, RefundId, SelectionFault, Shortages, Timestamp,
};

use super::{Readable, Unavailable};

/// The outcome of a request that may have been made before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotent<T> {
    /// The outcome of this request, or of the first one under the same key.
    pub outcome: T,
    /// Whether it is the outcome of an earlier request.
    pub replayed: bool,
}

/// Why an order was not placed. Nothing of it was kept, and its idempotency key is free again.
#[derive(Clone, Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum PlaceOrderError {
    /// Lines (counted from 0) that name a menu item which does not exist or is not on sale.
    #[error("the order names menu items that are not on the menu")]
    UnknownItems(Vec<usize>),
    /// Everything that is chosen, or not chosen, although the menu items do not offer it so.
    #[error("the order chooses what its menu items do not offer so")]
    InvalidSelections(Vec<SelectionFault>),
    /// Every menu item and every supply there is not enough of.
    #[error("there is not enough of what the order asks for")]
    InsufficientStock(Shortages),
    /// The customer's unpaid orders would hold more than they may.
    #[error(transparent)]
    LimitReached(OrderLimitReached),
    /// The total is more than 64 bits can hold.
    #[error("the total is too large")]
    TotalTooLarge,
    /// The key is not free.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// Other writers won every time until the deadline.
    #[error("the stock kept changing")]
    StockChanged,
    /// The store failed, is full of waiting orders, or did not respond within the deadline.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a basket was not quoted.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum QuoteOrderError {
    /// Lines (counted from 0) that name a menu item which does not exist or is not on sale.
    #[error("the basket names menu items that are not on the menu")]
    UnknownItems(Vec<usize>),
    /// Everything that is chosen, or not chosen, although the menu items do not offer it so.
    #[error("the basket chooses what its menu items do not offer so")]
    InvalidSelections(Vec<SelectionFault>),
    /// The total is more than 64 bits can hold.
    #[error("the total is too large")]
    TotalTooLarge,
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<QuoteRefused> for QuoteOrderError {
    fn from(refused: QuoteRefused) -> Self {
        match refused {
            QuoteRefused::UnknownItems(lines) => Self::UnknownItems(lines),
            QuoteRefused::InvalidSelections(faults) => Self::InvalidSelections(faults),
            QuoteRefused::Total(_) => Self::TotalTooLarge,
        }
    }
}

/// An order to be cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancellation {
    /// The order.
    pub order_id: OrderId,
    /// On whose behalf: this decides until when it is possible.
    pub by: CancelledBy,
    /// Who asked for it; `None`: a rule or an operator did.
    pub actor: Option<AccountId>,
    /// Orders outside it do not exist for the caller.
    pub scope: OrderScope,
    /// The stated reason.
    pub reason: Option<Reason>,
    /// When, in whole milliseconds.
    pub cancelled_at: Timestamp,
    /// The id of the refund, if the order was paid.
    pub refund_id: RefundId,
    /// Makes the request repeatable.
    pub idempotency: Option<Idempotency>,
}

impl Cancellation {
    /// The audit record of the cancellation, if staff or an operator cancel.
    pub fn audit_record(&self, order: &Order) -> Option<AuditRecord> {
        let actor = match self.by {
            CancelledBy::Customer => return None,
            // Without an actor, a rule has cancelled.
            CancelledBy::Staff => Some(self.actor?),
            CancelledBy::Operator(_) => None,
        };
        Some(AuditRecord {
            actor,
            action: AuditAction::OrderCancelled,
            target: order.id.to_string(),
            reason: self.reason.clone(),
            at: self.cancelled_at,
        })
    }
}

/// Why an order was not cancelled. Nothing changed.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum CancelOrderError {
    /// There is no such order within the caller's scope.
    #[error("no such order")]
    NotFound,
    /// It is too late. For an operator also if it was paid meanwhile, and only unpaid orders were to be cancelled.
    #[error("an order that is {from} cannot be cancelled")]
    InvalidTransition {
        /// The order's status.
        from: OrderStatus,
    },
    /// The key is not free.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why an order was not advanced. Nothing changed.
#[derive(Debug, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum AdvanceOrderError {
    /// There is no such order.
    #[error("no such order")]
    NotFound,
    /// The order cannot go from its status to that one.
    #[error("an order that is {from} cannot become {to}")]
    InvalidTransition {
        /// The order's status.
        from: OrderStatus,
        /// The status it was to get.
        to: OrderStatus,
    },
    /// The key is not free.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// The store failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What orders have in common that are listed. Whatever is `None` is left open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderCriteria {
    /// Only orders with this status.
    pub status: Option<OrderStatus>,
    /// Only orders that were called out, or will be, by this number.
    pub number: Option<CalledNumber>,
    /// Only orders placed at or after this moment.
    pub created_from: Option<Timestamp>,
    /// Only orders placed before this moment.
    pub created_to: Option<Timestamp>,
}

/// Which orders to list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrdersQuery {
    /// Which orders the caller may see.
    pub scope: OrderScope,
    /// Which of them are asked for.
    pub criteria: OrderCriteria,
    /// Only those older than this one.
    pub after: Option<OrderId>,
    /// The size of the page.
    pub limit: PageLimit,
}

/// The orders, and the stock they hold.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Orders: Send + Sync {
    /// Takes the stock, writes the order, its lines, the idempotency record and the event that announces it: all of it
    /// or nothing. Never sells more than there is, however many orders arrive at once, through however many servers. A
    /// caller that stops waiting changes nothing about the outcome.
    ///
    /// Orders are served in order of arrival; a refusal names what was left after the orders before it. A request whose
    /// key is known is answered with the order as it was placed, whatever its customer's limits. However many orders
    /// of a customer arrive at once, the customer's unpaid orders never hold more than
    /// [`NewOrder::limits`](crate::NewOrder::limits) allow.
    async fn place(&self, order: NewOrder) -> Result<Idempotent<OrderWithLines>, PlaceOrderError>;

    /// The order that the same request has placed before, as it was placed, without waiting for a turn: for a request
    /// that is about to be refused, or whose turn has not come. `None` is no proof that there is none: the lookup may
    /// have taken too long. Others need not ask, because [`Orders::place`] finds that order, too.
    async fn find_placed(&self, request: &Idempotency, at: Timestamp) -> Result<Option<OrderWithLines>, Unavailable>;

    /// What an order of this basket would cost at the moment, and what would be short. Takes nothing.
    async fn quote(&self, basket: &Basket) -> Result<Quote, QuoteOrderError>;

    /// One order within the scope, with its lines.
    async fn find(&self, id: OrderId, scope: OrderScope) -> Result<Option<OrderWithLines>, Unavailable>;

    /// A page of orders, newest first. `None` if it is not known where it begins, because [`OrdersQuery::after`] is no
    /// order; lists of all times may do without it.
    async fn list(&self, query: OrdersQuery) -> Result<Option<Page<Order, OrderId>>, Unavailable>;

    /// The lines of several orders in one round trip.
    async fn lines_of(&self, ids: &[OrderId]) -> Result<HashMap<OrderId, Readable<Vec<OrderLine>>>, Unavailable>;

    /// Cancels an order and returns its stock, exactly once however often it is asked.
    async fn cancel(&self, cancellation: Cancellation) -> Result<Idempotent<OrderWithLines>, CancelOrderError>;

    /// Moves an order to its next status.
    async fn advance(
        &self,
        id: OrderId,
        to: OrderStatus,
        at: Timestamp,
        idempotency: Option<Idempotency>,
    ) -> Result<Idempotent<OrderWithLines>, AdvanceOrderError>;
}
