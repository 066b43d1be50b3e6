use crate::{OrderStatus, names::names};

names! {
    /// How far a station is with a ticket.
    pub enum TicketState {
        /// It waits.
        Queued = "queued",
        /// It is being made.
        Cooking = "cooking",
        /// It is made, and can be recalled.
        Ready = "ready",
        /// The order was cancelled before it was made. Final.
        Void = "void",
    }

    /// The text names no state of a ticket.
    pub struct NotATicketState("a ticket is queued, cooking, ready or void");
}

impl TicketState {
    /// Whether a station can take a ticket from here to `to`. A ticket becomes void with its order alone.
    pub const fn can_become(self, to: Self) -> bool {
        matches!(
            (self, to),
            (Self::Queued, Self::Cooking | Self::Ready) | (Self::Cooking, Self::Ready) | (Self::Ready, Self::Cooking)
        )
    }

    /// Whether the station still has something to do.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Cooking)
    }

    /// What becomes of a ticket that is open when staff move its order, or somebody cancels it. `None`: it stays open.
    pub const fn settled_by(order: OrderStatus) -> Option<Self> {
        match order {
            OrderStatus::Ready | OrderStatus::Completed => Some(Self::Ready),
            OrderStatus::Cancelled => Some(Self::Void),
            OrderStatus::Pending | OrderStatus::Accepted | OrderStatus::Preparing => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TicketState::{Cooking, Queued, Ready};

    #[test]
    fn admits_exactly_the_listed_transitions() {
        let listed = [(Queued, Cooking), (Queued, Ready), (Cooking, Ready), (Ready, Cooking)];
        for from in TicketState::ALL {
            for to in TicketState::ALL {
                assert_eq!(from.can_become(to), listed.contains(&(from, to)), "{from} -> {to}");
            }
        }
    }

    #[test]
    fn no_ticket_stays_open_once_its_order_is_made_or_cancelled() {
        for order in OrderStatus::ALL {
            let settled = TicketState::settled_by(order);
            assert!(settled.is_none_or(|state| !state.is_open()), "{order}");
            let is_over = matches!(order, OrderStatus::Ready | OrderStatus::Completed | OrderStatus::Cancelled);
            assert_eq!(settled.is_some(), is_over, "{order}");
        }
    }
}
