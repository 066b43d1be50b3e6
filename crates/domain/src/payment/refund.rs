use thiserror::Error;

use super::{ChargeableAmounts, NotChargeable, Payment, PaymentStatus, RuleReason};
use crate::{
    AccountId, AuditAction, AuditRecord, Money, OrderId, PaymentId, Reason, RefundId, StaffMember, Timestamp,
    names::names,
};

/// A refund that a member of staff asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRefund {
    /// The id of the refund.
    pub id: RefundId,
    /// The order that was paid for.
    pub order_id: OrderId,
    /// The payment of this order to refund.
    pub payment_id: PaymentId,
    /// How much to refund. `None`: everything that is left.
    pub amount: Option<Money>,
    /// What the gateway can move. `None`: any amount.
    pub chargeable: Option<ChargeableAmounts>,
    /// The reason, for the audit log.
    pub reason: Reason,
    /// The member of staff who decided it.
    pub requested_by: StaffMember,
    /// When it was decided, in whole milliseconds.
    pub requested_at: Timestamp,
}

/// Money that goes back to a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The refund's id, here and at the gateway.
    pub id: RefundId,
    /// The payment it refunds.
    pub payment_id: PaymentId,
    /// How much of the payment goes back.
    pub amount: Money,
    /// Whether the money has gone back.
    pub status: RefundStatus,
    /// Why the money goes back.
    pub reason: Reason,
    /// The member of staff who decided it. `None`: a rule did.
    pub requested_by: Option<AccountId>,
    /// When it was decided.
    pub created_at: Timestamp,
}

names! {
    /// The status of a refund.
    pub enum RefundStatus {
        /// Decided. The gateway is asked until it accepts the refund.
        Pending = "pending",
        /// On its way to the customer.
        Succeeded = "succeeded",
        /// The bank did not accept it. Somebody has to look into it.
        Failed = "failed",
    }

    /// The text names no status of a refund.
    pub struct NotARefundStatus("unknown; there are: pending, succeeded, failed");
}

impl RefundStatus {
    /// The status after the gateway has reported one. `None`: nothing changes. A refund can fail weeks after it
    /// succeeded, when the bank sends the money back; a failure is final. Reports may come in any order.
    pub const fn on_report(self, reported: Self) -> Option<Self> {
        match (self, reported) {
            (Self::Pending, Self::Succeeded | Self::Failed) | (Self::Succeeded, Self::Failed) => Some(reported),
            _ => None,
        }
    }
}

/// A refund that was decided, to be written together with its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidedRefund {
    /// The refund.
    pub refund: Refund,
    /// The record of who decided it and why.
    pub audit: AuditRecord,
}

/// Why a payment cannot be refunded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum NotRefundable {
    /// There is no money to refund.
    #[error("a payment that is {} cannot be refunded", .0.as_str())]
    NotPaid(PaymentStatus),
    /// More was asked for than is left.
    #[error("only {} is left to give back", .left.amount())]
    TooMuch {
        /// How much is left.
        left: Money,
    },
    /// The gateway cannot move this amount.
    #[error(transparent)]
    NotChargeable(#[from] NotChargeable),
}

impl Refund {
    /// Whether it was decided because the money came after the payment had been cancelled.
    pub fn is_of_late_payment(&self) -> bool {
        self.requested_by.is_none() && self.reason == Reason::from(RuleReason::PaidAfterCancellation)
    }
}

impl Payment {
    /// How much there is to give back once the payment is over: what was asked for, or less if less is known to have
    /// come.
    const fn owed(&self) -> i64 {
        let (received, amount) = (self.received.amount(), self.amount.amount());
        if !self.is_foreign() && 0 < received && received < amount { received } else { amount }
    }

    /// Whether another currency came than was asked for: that is for staff to see to at the gateway.
    const fn is_foreign(&self) -> bool {
        self.received.amount() > 0 && !self.received.currency().is(self.amount.currency())
    }

    /// How much of the payment has not been refunded, and is not about to be.
    pub const fn left(&self) -> Money {
        // Of a cancelled payment, there is what came too late. For one that is paid, less may have come than was asked
        // for.
        let is_unpaid = matches!(self.status, PaymentStatus::Cancelled) && self.received.amount() <= 0;
        let came = if is_unpaid || self.is_foreign() { 0 } else { self.owed() };
        let left = came.saturating_sub(self.refunded.amount());
        Money::new(if left > 0 { left } else { 0 }, self.amount.currency())
    }

    /// Decides a refund that a member of staff asks for: of a payment that is paid, or of money that came after the
    /// payment was cancelled and whose refund has failed.
    pub fn refund(&self, new: &NewRefund) -> Result<DecidedRefund, NotRefundable> {
        let came_late = self.status == PaymentStatus::Cancelled && self.received.amount() > 0;
        if !self.status.is_paid() && !came_late {
            return Err(NotRefundable::NotPaid(self.status));
        }
        let left = self.left();
        let amount = new.amount.unwrap_or(left);
        if amount.currency() != left.currency() || amount.amount() > left.amount() || left.amount() == 0 {
            return Err(NotRefundable::TooMuch { left });
        }
        if let Some(chargeable) = new.chargeable.filter(|_| self.method.is_carried_out_by_gateway()) {
            chargeable.admit_part(amount)?;
        }
        let audit = AuditRecord {
            actor: Some(new.requested_by.account_id()),
            action: AuditAction::PaymentRefunded,
            target: self.id.to_string(),
            reason: Some(new.reason.clone()),
            at: new.requested_at,
        };
        let by = Some(new.requested_by.account_id());
        let refund = self.refund_of(new.id, amount, new.reason.clone(), by, new.requested_at);
        Ok(DecidedRefund { refund, audit })
    }

    /// Everything that is left goes back because a rule says so.
    pub(super) fn refund_by_rule(&self, id: RefundId, reason: RuleReason, at: Timestamp) -> Refund {
        self.refund_of(id, self.left(), reason.into(), None, at)
    }

    /// At the counter the money is handed over at once. Otherwise the gateway has to be asked.
    fn refund_of(
        &self,
        id: RefundId,
        amount: Money,
        reason: Reason,
        requested_by: Option<AccountId>,
        created_at: Timestamp,
    ) -> Refund {
        let status =
            if self.method.is_carried_out_by_gateway() { RefundStatus::Pending } else { RefundStatus::Succeeded };
        Refund { id, payment_id: self.id, amount, status, reason, requested_by, created_at }
    }

    /// Somebody has made a refund at the gateway itself.
    pub fn refund_at_gateway(&self, id: RefundId, amount: Money, status: RefundStatus, at: Timestamp) -> DecidedRefund {
        let reason = Reason::from(RuleReason::RefundedAtGateway);
        let audit = AuditRecord {
            actor: None,
            action: AuditAction::PaymentRefunded,
            target: self.id.to_string(),
            reason: Some(reason.clone()),
            at,
        };
        DecidedRefund { refund: Refund { amount, status, ..self.refund_of(id, amount, reason, None, at) }, audit }
    }

    /// The payment as its refunds leave it. `refunds` are all of its refunds; `order_has_another` says whether another
    /// payment of the order is open or paid.
    #[must_use]
    pub fn after_refunds(&self, refunds: &[Refund], order_has_another: bool) -> Self {
        let sum = |counts: fn(RefundStatus) -> bool| {
            let counted = refunds.iter().filter(|refund| counts(refund.status)).map(|refund| refund.amount.amount());
            counted.fold(0, i64::saturating_add)
        };
        let returned = sum(|status| status == RefundStatus::Succeeded);
        // Money that is not to be here: it came too late, or the order was paid anew after it had gone back.
        let unwanted = self.status == PaymentStatus::Cancelled
            || order_has_another
            || refunds.iter().any(Refund::is_of_late_payment);
        let owed = self.owed();
        let status = match self.status {
            // It is not known to be paid; what has gone back counts once it is.
            open if open.is_open() => open,
            _ if returned >= owed && returned > 0 => PaymentStatus::Refunded,
            // What comes back of it never paid for the order, which may have been paid for anew.
            PaymentStatus::Refunded if owed < self.amount.amount() => PaymentStatus::Cancelled,
            _ if unwanted => PaymentStatus::Cancelled,
            _ if returned > 0 => PaymentStatus::PartlyRefunded,
            // A refund that had succeeded has failed after all.
            PaymentStatus::PartlyRefunded | PaymentStatus::Refunded => PaymentStatus::Succeeded,
            status => status,
        };
        // Somebody may have refunded at the gateway what a refund of ours, which will fail, was to give back.
        let refunded = sum(|status| status != RefundStatus::Failed).min(self.amount.amount());
        let refunded = Money::new(refunded, self.amount.currency());
        Self { status, refunded, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};
    use uuid::Uuid;

    use super::*;
    use crate::{
        PaymentMethod,
        payment::sample::{euros, now, payment, staff},
    };

    fn new_refund(amount: Option<i64>) -> NewRefund {
        NewRefund {
            id: RefundId::new(Uuid::from_u128(7)),
            order_id: OrderId::new(Uuid::from_u128(2)),
            payment_id: PaymentId::new(Uuid::from_u128(1)),
            amount: amount.map(euros),
            chargeable: None,
            reason: Reason::new("the soup was cold").unwrap(),
            requested_by: staff(),
            requested_at: now(),
        }
    }

    /// A server of the release before had counted 1.00 € as 10.00 €.
    #[test]
    fn a_payment_of_which_all_that_came_has_gone_back_is_refunded() {
        let mistaken = Payment { received: euros(100), ..payment(PaymentMethod::Card, PaymentStatus::Succeeded) };
        let id = RefundId::new(Uuid::from_u128(7));
        let refund = |amount, status| Refund {
            amount: euros(amount),
            status,
            ..mistaken.refund_by_rule(id, RuleReason::OrderCancelled, now())
        };
        let after = |refunds: &[Refund]| mistaken.after_refunds(refunds, false);
        let part = after(&[refund(99, RefundStatus::Succeeded)]);
        assert_eq!((part.status, part.left()), (PaymentStatus::PartlyRefunded, euros(1)));
        let decided = after(&[refund(100, RefundStatus::Pending)]);
        assert_eq!((decided.status, decided.left()), (PaymentStatus::Succeeded, euros(0)));
        let all = after(&[refund(99, RefundStatus::Succeeded), refund(1, RefundStatus::Succeeded)]);
        assert_eq!((all.status, all.left()), (PaymentStatus::Refunded, euros(0)));
        assert!(!all.status.is_active(), "the order can be paid anew");

        let failed = all.after_refunds(&[refund(99, RefundStatus::Succeeded), refund(1, RefundStatus::Failed)], false);
        assert_eq!((failed.status, failed.left()), (PaymentStatus::Cancelled, euros(1)), "it never paid for the order");
        let late = Payment { status: PaymentStatus::Cancelled, ..mistaken.clone() };
        assert_eq!(late.after_refunds(&[refund(100, RefundStatus::Succeeded)], true).status, PaymentStatus::Refunded);
    }

    #[test]
    fn nothing_is_given_back_of_another_currency_than_was_asked_for() {
        let dollars = |amount| Money::new(amount, "USD".parse().unwrap());
        for received in [100, 1000] {
            let received = dollars(received);
            let mistaken = Payment { received, ..payment(PaymentMethod::Card, PaymentStatus::Succeeded) };
            assert_eq!(mistaken.left(), euros(0));
            assert_eq!(mistaken.refund(&new_refund(None)), Err(NotRefundable::TooMuch { left: euros(0) }));
            assert_eq!(mistaken.after_refunds(&[], false), mistaken);
        }
    }

    proptest! {
        /// Whatever is left of a paid payment can be refunded, in any part, and nothing of any other payment.
        #[test]
        fn what_is_refunded_was_paid_and_is_left(
            method in select(&PaymentMethod::ALL),
            status in select(&PaymentStatus::ALL),
            refunded in 0..=1000_i64,
            asked in prop::option::of(1..2000_i64),
            late in 0..2000_i64,
        ) {
            let mut payment = Payment { refunded: euros(refunded), ..payment(method, status) };
            let came_late = status == PaymentStatus::Cancelled && late > 0;
            let mut left = 1000 - refunded;
            if status == PaymentStatus::Cancelled {
                payment.received = euros(late);
                left = (late.min(1000) - refunded).max(0);
            }
            prop_assert_eq!(payment.left(), euros(left));
            match payment.refund(&new_refund(asked)) {
                Ok(DecidedRefund { refund, audit }) => {
                    prop_assert!((status.is_paid() || came_late) && left > 0);
                    prop_assert_eq!(refund.amount, euros(asked.unwrap_or(left)));
                    prop_assert!((1..=left).contains(&refund.amount.amount()));
                    prop_assert_eq!(refund.status == RefundStatus::Succeeded, method == PaymentMethod::Counter);
                    prop_assert_eq!(audit.reason, Some(refund.reason));
                }
                Err(NotRefundable::NotChargeable(why)) => prop_assert!(false, "{}", why),
                Err(NotRefundable::NotPaid(refused)) => {
                    prop_assert!(refused == status && !status.is_paid() && !came_late);
                }
                Err(NotRefundable::TooMuch { left: named }) => {
                    prop_assert_eq!(named, euros(left));
                    prop_assert!(left == 0 || asked.is_some_and(|asked| asked > left));
                }
            }
        }

        /// Whatever the order of the reports: a refund that failed has failed, even weeks after it succeeded.
        #[test]
        fn a_refund_ends_the_same_in_whatever_order_it_is_reported(
            reports in prop::collection::vec(select(&RefundStatus::ALL), 0..8),
        ) {
            let mut status = RefundStatus::Pending;
            for report in &reports {
                status = status.on_report(*report).unwrap_or(status);
            }
            let ends = [RefundStatus::Failed, RefundStatus::Succeeded];
            let expected = ends.into_iter().find(|end| reports.contains(end));
            prop_assert_eq!(status, expected.unwrap_or(RefundStatus::Pending));
        }

        /// Money that comes back from the bank is where it was before it was refunded.
        #[test]
        fn a_refund_that_fails_after_it_succeeded_leaves_the_payment_as_before(
            parts in prop::collection::vec(1..=500_i64, 1..3),
            late in any::<bool>(),
            order_has_another in any::<bool>(),
        ) {
            let status = if late { PaymentStatus::Cancelled } else { PaymentStatus::Succeeded };
            let before = payment(PaymentMethod::Card, status);
            let reason = if late { RuleReason::PaidAfterCancellation } else { RuleReason::OrderCancelled };
            let refund = |part: &i64| {
                let refund = before.refund_by_rule(RefundId::new(Uuid::from_u128(7)), reason, now());
                Refund { amount: euros(*part), status: RefundStatus::Succeeded, ..refund }
            };
            let mut refunds: Vec<Refund> = parts.iter().map(refund).collect();
            let refunded = before.after_refunds(&refunds, false);
            for refund in &mut refunds {
                refund.status = RefundStatus::Failed;
            }
            let after = refunded.after_refunds(&refunds, order_has_another);
            let expected = if late || order_has_another { PaymentStatus::Cancelled } else { PaymentStatus::Succeeded };
            prop_assert_eq!((after.status, after.refunded), (expected, euros(0)));
            prop_assert!(!(order_has_another && after.status.is_active()), "two payments would be active");
        }
    }
}
