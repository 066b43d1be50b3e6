use thiserror::Error;

use super::{ChargeableAmounts, NotChargeable, Payment, PaymentMethod, PaymentStatus};
use crate::{Idempotency, Money, Order, OrderId, OrderScope, OrderStatus, PaymentId, Timestamp};

/// A payment that a customer wants to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPayment {
    /// The id of the payment, unless the order has an open one of this method.
    pub id: PaymentId,
    /// The order to pay for.
    pub order_id: OrderId,
    /// The orders the caller may see. Others do not exist for the caller.
    pub scope: OrderScope,
    /// By card or at the counter.
    pub method: PaymentMethod,
    /// When the customer asked for it, in whole milliseconds.
    pub begun_at: Timestamp,
    /// How long the order waits for a card. Afterwards it is cancelled.
    pub expires_at: Timestamp,
    /// What the gateway can charge to a card. `None`: there is no gateway, and the rule looks at no amount.
    pub chargeable: Option<ChargeableAmounts>,
    /// Makes the request repeatable.
    pub idempotency: Option<Idempotency>,
}

/// The outcome of beginning a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// The order has an open payment of this method, which goes on.
    Continues(Payment),
    /// A new payment begins.
    Begins {
        /// The new payment. A free order is paid at once.
        payment: Payment,
        /// The order's open payment of another method, now cancelled.
        replaced: Option<Payment>,
    },
}

/// Why a payment cannot begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum BeginRefusal {
    /// The order is paid.
    #[error("the order is paid")]
    AlreadyPaid,
    /// The order is cancelled.
    #[error("an order that is {0} cannot be paid")]
    NotPayable(OrderStatus),
    /// The gateway will never charge this amount to a card.
    #[error(transparent)]
    NotChargeable(#[from] NotChargeable),
}

/// Begins a payment for all that the order costs. `active` is the order's payment that is open or paid, if there is
/// one.
pub fn begin_payment(order: &Order, active: Option<&Payment>, new: &NewPayment) -> Result<Beginning, BeginRefusal> {
    let active = active.filter(|payment| payment.status.is_active());
    if active.is_some_and(|payment| payment.status.is_paid()) {
        return Err(BeginRefusal::AlreadyPaid);
    }
    if order.status == OrderStatus::Cancelled {
        return Err(BeginRefusal::NotPayable(order.status));
    }
    if let Some(open) = active
        && open.method == new.method
    {
        return Ok(Beginning::Continues(open.clone()));
    }
    let is_free = order.total.amount() == 0;
    let waits_for_card = new.method == PaymentMethod::Card && !is_free;
    if let Some(chargeable) = new.chargeable.filter(|_| waits_for_card) {
        chargeable.admit(order.total)?;
    }
    let payment = Payment {
        id: new.id,
        order_id: order.id,
        status: if is_free { PaymentStatus::Succeeded } else { PaymentStatus::Pending },
        method: new.method,
        amount: order.total,
        received: Money::zero(order.total.currency()),
        refunded: Money::zero(order.total.currency()),
        expires_at: waits_for_card.then_some(new.expires_at),
    };
    Ok(Beginning::Begins { payment, replaced: active.map(Payment::cancelled) })
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};
    use uuid::Uuid;

    use super::*;
    use crate::{
        AccountId, OrderNumber,
        payment::sample::{euros, now, payment},
    };

    fn order(status: OrderStatus, total: i64) -> Order {
        Order {
            id: OrderId::new(Uuid::from_u128(2)),
            number: OrderNumber::new(1),
            status,
            total: euros(total),
            line_count: 1,
            note: None,
            customer_id: AccountId::new(Uuid::from_u128(3)),
            created_at: now(),
            updated_at: now(),
            version: 1,
        }
    }

    fn new_payment(method: PaymentMethod) -> NewPayment {
        NewPayment {
            id: PaymentId::new(Uuid::from_u128(9)),
            order_id: OrderId::new(Uuid::from_u128(2)),
            scope: OrderScope::All,
            method,
            begun_at: now(),
            expires_at: now() + std::time::Duration::from_mins(15),
            chargeable: None,
            idempotency: None,
        }
    }

    fn any_payment() -> impl Strategy<Value = Payment> {
        (select(&PaymentMethod::ALL), select(&PaymentStatus::ALL)).prop_map(|(method, status)| payment(method, status))
    }

    proptest! {
        /// Whatever the order and its payment: afterwards exactly one payment is active, and an order that is paid or
        /// cancelled stays so.
        #[test]
        fn an_order_never_has_two_active_payments(
            status in select(&OrderStatus::ALL),
            total in prop_oneof![Just(0_i64), 1_i64..100_000],
            before in prop::option::of(any_payment()),
            method in select(&PaymentMethod::ALL),
        ) {
            let (order, new) = (order(status, total), new_payment(method));
            let is_paid = before.as_ref().is_some_and(|before| before.status.is_paid());
            match begin_payment(&order, before.as_ref(), &new) {
                Err(BeginRefusal::AlreadyPaid) => prop_assert!(is_paid),
                Err(BeginRefusal::NotPayable(refused)) => {
                    prop_assert!(refused == status && status == OrderStatus::Cancelled && !is_paid);
                }
                Err(BeginRefusal::NotChargeable(why)) => prop_assert!(false, "{}", why),
                Ok(Beginning::Continues(payment)) => {
                    prop_assert!(payment.status.is_open() && payment.method == method);
                    prop_assert_eq!(Some(payment), before);
                }
                Ok(Beginning::Begins { payment, replaced }) => {
                    prop_assert!(!is_paid && status != OrderStatus::Cancelled && payment.status.is_active());
                    prop_assert_eq!((payment.id, payment.order_id, payment.amount), (new.id, order.id, order.total));
                    let open = before.filter(|before| before.status.is_open());
                    prop_assert_eq!(replaced.is_some(), open.is_some());
                    prop_assert!(replaced.is_none_or(|replaced| !replaced.status.is_active()));
                    prop_assert!(open.is_none_or(|open| open.method != method));
                }
            }
        }

        /// What the gateway never charges is refused before anything changes, and can be paid at the counter.
        #[test]
        fn a_card_payment_begins_only_if_the_gateway_can_charge_it(
            total in 0..200_i64,
            minimum in 0..200_i64,
            step in 1..100_u32,
            method in select(&PaymentMethod::ALL),
        ) {
            let chargeable = ChargeableAmounts::new(euros(minimum), std::num::NonZeroU32::new(step).unwrap());
            let new = NewPayment { chargeable: Some(chargeable), ..new_payment(method) };
            let can_be_charged = total >= minimum && total % i64::from(step) == 0;
            let begun = begin_payment(&order(OrderStatus::Pending, total), None, &new);
            prop_assert_eq!(begun.is_ok(), method == PaymentMethod::Counter || total == 0 || can_be_charged);
        }

        /// An order only waits, and is only cancelled for it, when there is something to pay by card.
        #[test]
        fn a_free_order_is_paid_at_once_and_only_cards_expire(
            total in prop_oneof![Just(0_i64), 1_i64..100_000],
            method in select(&PaymentMethod::ALL),
        ) {
            let new = new_payment(method);
            let order = order(OrderStatus::Pending, total);
            let Ok(Beginning::Begins { payment, .. }) = begin_payment(&order, None, &new) else {
                panic!("nothing stands in its way")
            };
            prop_assert_eq!(payment.status == PaymentStatus::Succeeded, total == 0);
            let expires_at = (total > 0 && method == PaymentMethod::Card).then_some(new.expires_at);
            prop_assert_eq!(payment.expires_at, expires_at);
            prop_assert_eq!(payment.awaits_card(), expires_at.is_some());
        }
    }
}
