//! Tickets, and what becomes of an order when one changes.

use thiserror::Error;

use super::TicketState;
use crate::{Note, OrderId, OrderLine, OrderNumber, OrderStatus, StationId, TicketId, Timestamp};

/// How many tickets that are open are shown to whoever begins to watch the kitchen: the oldest. No kitchen has so many;
/// it is what a server bears.
pub const OPEN_TICKETS_SHOWN: usize = 10_000;

/// What a station makes of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The id, which never changes.
    pub id: TicketId,
    /// The order.
    pub order_id: OrderId,
    /// The order's number, which is called out at the counter.
    pub number: OrderNumber,
    /// The station.
    pub station_id: StationId,
    /// How far it is.
    pub state: TicketState,
    /// 1 when written, one more with every change.
    pub version: u32,
    /// Those of the order's lines that the station makes.
    pub lines: Vec<OrderLine>,
    /// A request to the kitchen for the whole order.
    pub note: Option<Note>,
    /// When the order was accepted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What follows from the wish to change a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TicketChange {
    /// It has that state already.
    Nothing,
    /// It gets that state, and the order goes through these statuses, one after the other, perhaps none.
    Moves(&'static [OrderStatus]),
}

/// Why a ticket is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum TicketStays {
    /// A ticket does not go from one of these states to the other.
    #[error("a ticket that is {from} cannot become {to}")]
    InvalidTransition {
        /// The state it has.
        from: TicketState,
        /// The state it was to get.
        to: TicketState,
    },
    /// The order is handed over, or cancelled, or was never accepted.
    #[error("a ticket of an order that is {0} cannot change")]
    OrderIs(OrderStatus),
}

/// What becomes of a ticket that is to get a state, and of its order. `others` are the states of the order's other
/// tickets. The order and all of its tickets are as they are by the time of the change.
///
/// The first ticket that is begun makes an accepted order `preparing`, and the last one that becomes ready makes it
/// `ready`. A recall takes an order that is ready back to `preparing`.
pub fn change_ticket(
    from: TicketState,
    to: TicketState,
    order: OrderStatus,
    others: impl IntoIterator<Item = TicketState>,
) -> Result<TicketChange, TicketStays> {
    if from == to {
        return Ok(TicketChange::Nothing);
    }
    if !from.can_become(to) {
        return Err(TicketStays::InvalidTransition { from, to });
    }
    let is_done = to == TicketState::Ready && others.into_iter().all(|other| !other.is_open());
    match order {
        OrderStatus::Accepted if is_done => Ok(TicketChange::Moves(&[OrderStatus::Preparing, OrderStatus::Ready])),
        OrderStatus::Accepted => Ok(TicketChange::Moves(&[OrderStatus::Preparing])),
        OrderStatus::Preparing if is_done => Ok(TicketChange::Moves(&[OrderStatus::Ready])),
        OrderStatus::Ready if !is_done => Ok(TicketChange::Moves(&[OrderStatus::Preparing])),
        OrderStatus::Preparing | OrderStatus::Ready => Ok(TicketChange::Moves(&[])),
        OrderStatus::Pending | OrderStatus::Completed | OrderStatus::Cancelled => Err(TicketStays::OrderIs(order)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use TicketState::{Cooking, Queued, Ready, Void};

    fn moves(from: TicketState, to: TicketState, order: OrderStatus, others: &[TicketState]) -> Vec<OrderStatus> {
        match change_ticket(from, to, order, others.iter().copied()) {
            Ok(TicketChange::Moves(steps)) => steps.to_vec(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_that_cooks_the_last_that_is_ready_and_a_recall_move_the_order() {
        use OrderStatus::{Accepted, Preparing, Ready as Made};
        assert_eq!(moves(Queued, Cooking, Accepted, &[Queued]), [Preparing]);
        assert_eq!(moves(Queued, Cooking, Preparing, &[Cooking]), []);
        assert_eq!(moves(Cooking, Ready, Preparing, &[Cooking]), []);
        assert_eq!(moves(Cooking, Ready, Preparing, &[Ready]), [Made]);
        assert_eq!(moves(Queued, Ready, Accepted, &[Queued]), [Preparing]);
        assert_eq!(moves(Queued, Ready, Accepted, &[]), [Preparing, Made]);
        assert_eq!(moves(Ready, Cooking, Made, &[Ready]), [Preparing]);
        assert_eq!(moves(Ready, Cooking, Preparing, &[Queued]), []);
    }

    #[test]
    fn nothing_is_made_of_an_order_that_is_over_or_was_not_accepted() {
        for order in OrderStatus::ALL {
            let over = matches!(order, OrderStatus::Pending | OrderStatus::Completed | OrderStatus::Cancelled);
            let recalled = change_ticket(Ready, Cooking, order, []);
            assert_eq!(recalled == Err(TicketStays::OrderIs(order)), over, "{order}");
            assert_eq!(change_ticket(Void, Void, order, []), Ok(TicketChange::Nothing));
            let from_void = change_ticket(Void, Cooking, order, []);
            assert_eq!(from_void, Err(TicketStays::InvalidTransition { from: Void, to: Cooking }));
        }
    }

    proptest! {
        /// However the stations go about it, the order is ready exactly while every ticket is, and each of its steps is
        /// one that an order can take.
        #[test]
        fn an_order_is_ready_while_all_of_its_tickets_are(
            number in 1_usize..5,
            wishes in prop::collection::vec((0_usize..5, 0_usize..4), 0..40),
        ) {
            let mut tickets = vec![Queued; number];
            let mut order = OrderStatus::Accepted;
            for (which, to) in wishes {
                let (which, to) = (which % number, TicketState::ALL[to]);
                let others = tickets.iter().enumerate().filter(|(at, _)| *at != which);
                let others: Vec<_> = others.map(|(_, state)| *state).collect();
                let Ok(TicketChange::Moves(steps)) = change_ticket(tickets[which], to, order, others) else { continue };
                tickets[which] = to;
                for step in steps {
                    let recalled = (order, *step) == (OrderStatus::Ready, OrderStatus::Preparing);
                    prop_assert!(recalled || order.can_advance_to(*step), "{} -> {}", order, step);
                    order = *step;
                }
                prop_assert_eq!(order == OrderStatus::Ready, tickets.iter().all(|ticket| *ticket == Ready));
                let is_begun = tickets.iter().any(|ticket| *ticket != Queued);
                prop_assert_eq!(order == OrderStatus::Accepted, !is_begun);
            }
        }
    }
}
