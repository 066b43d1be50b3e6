//! The life of an order as a state machine.

use crate::{Unwanted, names::names};

names! {
    /// Where an order stands.
    pub enum OrderStatus {
        /// Placed; the kitchen has not accepted it yet.
        Pending = "pending",
        /// The kitchen will make it.
        Accepted = "accepted",
        /// Being prepared.
        Preparing = "preparing",
        /// Waiting at the counter.
        Ready = "ready",
        /// Handed over. Final.
        Completed = "completed",
        /// Cancelled, its stock returned. Final.
        Cancelled = "cancelled",
    }

    /// The text names no status.
    pub struct NotAStatus("a status is pending, accepted, preparing, ready, completed or cancelled");
}

/// On whose behalf an order is cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelledBy {
    /// The customer: only until the kitchen starts.
    Customer,
    /// Staff: until it is handed over.
    Staff,
    /// An operator, who cancels many at once: only while it is what the operator does not want.
    Operator(Unwanted),
}

impl OrderStatus {
    /// Where an order stood at an earlier version of its own: it goes one step at a time, and a cancellation is its
    /// last.
    #[must_use]
    pub fn at_version(self, current: u32, version: u32) -> Self {
        if version >= current {
            return self;
        }
        let mut status = Self::Pending;
        for _ in 1..version {
            status = status.next().unwrap_or(status);
        }
        status
    }

    /// The one step staff can take an order to from here, if any. Cancelling is a step of its own:
    /// see [`OrderStatus::can_be_cancelled_by`].
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Pending => Some(Self::Accepted),
            Self::Accepted => Some(Self::Preparing),
            Self::Preparing => Some(Self::Ready),
            Self::Ready => Some(Self::Completed),
            Self::Completed | Self::Cancelled => None,
        }
    }

    /// Whether staff can advance an order from here to `to`.
    pub fn can_advance_to(self, to: Self) -> bool {
        self.next() == Some(to)
    }

    /// Whether an order can still be cancelled.
    pub const fn can_be_cancelled_by(self, by: CancelledBy) -> bool {
        match self {
            Self::Pending => true,
            Self::Accepted => !matches!(by, CancelledBy::Operator(Unwanted::Pending | Unwanted::UnpaidAndPending)),
            Self::Preparing | Self::Ready => matches!(by, CancelledBy::Staff | CancelledBy::Operator(Unwanted::Unpaid)),
            Self::Completed | Self::Cancelled => false,
        }
    }

    /// Whether the order is neither handed over nor cancelled.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Completed | Self::Cancelled)
    }

    /// Whether the order holds stock. Only a cancelled order has returned it.
    pub const fn holds_stock(self) -> bool {
        !matches!(self, Self::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use OrderStatus::{Accepted, Cancelled, Completed, Pending, Preparing, Ready};

    use super::*;

    #[test]
    fn an_order_remembers_its_way() {
        assert_eq!(OrderStatus::Cancelled.at_version(3, 3), OrderStatus::Cancelled);
        assert_eq!(OrderStatus::Cancelled.at_version(3, 2), OrderStatus::Accepted);
        assert_eq!(OrderStatus::Completed.at_version(5, 1), OrderStatus::Pending);
        assert_eq!(OrderStatus::Completed.at_version(5, 4), OrderStatus::Ready);
    }

    #[test]
    fn admits_exactly_the_listed_transitions() {
        let listed = [(Pending, Accepted), (Accepted, Preparing), (Preparing, Ready), (Ready, Completed)];
        for from in OrderStatus::ALL {
            for to in OrderStatus::ALL {
                assert_eq!(from.can_advance_to(to), listed.contains(&(from, to)), "{from} -> {to}");
            }
        }
    }

    #[test]
    fn a_customer_can_cancel_until_the_kitchen_starts_and_staff_until_it_is_handed_over() {
        let by = |who| OrderStatus::ALL.into_iter().filter(move |s| s.can_be_cancelled_by(who)).collect::<Vec<_>>();
        assert_eq!(by(CancelledBy::Customer), [Pending, Accepted]);
        assert_eq!(by(CancelledBy::Staff), [Pending, Accepted, Preparing, Ready]);
    }

    #[test]
    fn only_a_cancelled_order_holds_no_stock() {
        assert_eq!(OrderStatus::ALL.into_iter().filter(|s| !s.holds_stock()).collect::<Vec<_>>(), [Cancelled]);
        assert_eq!(Completed.next(), None);
    }
}
