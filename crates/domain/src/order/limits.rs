//! How much one customer may reserve without having paid for it.

use thiserror::Error;

use crate::{Basket, names::names};

/// What one customer's unpaid orders may hold, as long as they are open: neither completed nor cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderLimits {
    /// The greatest number of open unpaid orders; `None`: any number.
    pub orders: Option<u32>,
    /// The greatest total quantity in them; `None`: any quantity.
    pub quantity: Option<u32>,
}

/// What the unpaid orders of a customer hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnpaidOrders {
    /// How many are open.
    pub orders: u32,
    /// The total quantity in them.
    pub quantity: u32,
}

/// The order would exceed a limit of its customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum OrderLimitReached {
    /// The customer has as many open unpaid orders as allowed.
    #[error("a customer may have {limit} open unpaid orders at a time")]
    OpenOrders {
        /// How many are allowed.
        limit: u32,
    },
    /// The open unpaid orders would hold more than allowed.
    #[error(
        "a customer's open unpaid orders may hold {limit} portions; they hold {held}, and this one asks for {asked}"
    )]
    Portions {
        /// The greatest total quantity.
        limit: u32,
        /// The quantity in the open unpaid orders.
        held: u32,
        /// The quantity that this order asks for.
        asked: u32,
    },
}

names! {
    /// The limits of one customer, by their names.
    pub enum OrderLimit {
        /// Open unpaid orders.
        OpenOrders = "open-orders",
        /// The total quantity in open unpaid orders.
        Portions = "portions",
        /// Attempts to order per minute.
        Attempts = "attempts",
    }

    /// The text names no limit.
    pub struct NotAnOrderLimit("unknown; there are: open-orders, portions, attempts");
}

impl OrderLimitReached {
    /// Which limit it is.
    pub const fn limit(&self) -> OrderLimit {
        match self {
            Self::OpenOrders { .. } => OrderLimit::OpenOrders,
            Self::Portions { .. } => OrderLimit::Portions,
        }
    }
}

impl OrderLimits {
    /// No limits, as for staff who order for customers.
    pub const NONE: Self = Self { orders: None, quantity: None };

    /// Whether there is nothing to check.
    pub const fn is_none(&self) -> bool {
        self.orders.is_none() && self.quantity.is_none()
    }

    /// What the customer's unpaid orders hold once this one is placed, too, if that is allowed.
    pub fn admit(&self, held: UnpaidOrders, basket: &Basket) -> Result<UnpaidOrders, OrderLimitReached> {
        if let Some(limit) = self.orders
            && held.orders >= limit
        {
            return Err(OrderLimitReached::OpenOrders { limit });
        }
        let asked = basket.quantity();
        let quantity = held.quantity.saturating_add(asked);
        if let Some(limit) = self.quantity
            && quantity > limit
        {
            return Err(OrderLimitReached::Portions { limit, held: held.quantity, asked });
        }
        Ok(UnpaidOrders { orders: held.orders.saturating_add(1), quantity })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::{BasketLine, MenuItemId, Quantity, Selections};

    fn basket(quantities: &[i64]) -> Basket {
        let line = |quantity: &i64| BasketLine {
            menu_item_id: MenuItemId::new(Uuid::from_u128(1)),
            quantity: Quantity::new(*quantity).expect("in range"),
            selections: Selections::default(),
            note: None,
        };
        Basket::new(quantities.iter().map(line).collect()).expect("1 to 50 lines")
    }

    #[test]
    fn says_which_limit_is_reached() {
        let limits = OrderLimits { orders: Some(2), quantity: Some(10) };
        let held = |orders, quantity| UnpaidOrders { orders, quantity };
        assert_eq!(limits.admit(held(1, 4), &basket(&[3, 3])), Ok(held(2, 10)));
        assert_eq!(
            limits.admit(held(1, 4), &basket(&[3, 4])),
            Err(OrderLimitReached::Portions { limit: 10, held: 4, asked: 7 })
        );
        assert_eq!(limits.admit(held(2, 0), &basket(&[1])), Err(OrderLimitReached::OpenOrders { limit: 2 }));
        assert_eq!(OrderLimits::NONE.admit(held(u32::MAX, u32::MAX), &basket(&[1])), Ok(held(u32::MAX, u32::MAX)));
    }

    proptest! {
        /// Whatever is asked for in whatever order, what was admitted never holds more than allowed.
        #[test]
        fn never_admits_more_than_allowed(
            (orders, quantity) in (0_u32..6, 0_u32..60),
            baskets in prop::collection::vec(prop::collection::vec(1_i64..=20, 1..4), 0..20),
        ) {
            let limits = OrderLimits { orders: Some(orders), quantity: Some(quantity) };
            let mut held = UnpaidOrders::default();
            for lines in &baskets {
                match limits.admit(held, &basket(lines)) {
                    Ok(then) => held = then,
                    Err(_) => prop_assert!(
                        held.orders == orders || held.quantity + basket(lines).quantity() > quantity,
                        "refuses only what does not fit"
                    ),
                }
                prop_assert!(held.orders <= orders && held.quantity <= quantity);
            }
        }
    }
}
