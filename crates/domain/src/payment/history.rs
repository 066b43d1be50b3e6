//! Random histories of an order's payments: whatever happens in whatever order, the rules together keep money and
//! orders in agreement.

use proptest::{prelude::*, sample::select};
use uuid::Uuid;

use super::{
    Beginning, Consequence, IntentState, NewPayment, NewRefund, Payment, PaymentCancellation, PaymentMethod,
    PaymentStatus, Refund, RefundStatus, Settlement, begin_payment, payments_after_cancelling,
    sample::{euros, now, staff},
};
use crate::{AccountId, Order, OrderId, OrderNumber, OrderScope, OrderStatus, PaymentId, Reason, RefundId};

const PRICE: i64 = 1000;

/// Something that happens. Payments and refunds are meant by their number, counted around.
#[derive(Clone, Copy, Debug)]
enum Step {
    Begin(PaymentMethod),
    Report { payment: usize, state: IntentState, second: u64 },
    Settle(usize),
    Refund { payment: usize, amount: Option<i64> },
    RefundReport { refund: usize, status: RefundStatus },
    CancelOrder,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => select(&PaymentMethod::ALL).prop_map(Step::Begin),
        4 => (0..8_usize, select(&IntentState::ALL), 0..8_u64)
            .prop_map(|(payment, state, second)| Step::Report { payment, state, second }),
        1 => (0..8_usize).prop_map(Step::Settle),
        2 => (0..8_usize, prop::option::of(1..=PRICE)).prop_map(|(payment, amount)| Step::Refund { payment, amount }),
        3 => (0..8_usize, select(&RefundStatus::ALL))
            .prop_map(|(refund, status)| Step::RefundReport { refund, status }),
        1 => Just(Step::CancelOrder),
    ]
}

/// What a store holds: the order, its payments with the time of the last report and the money that came, and their
/// refunds.
struct Store {
    order: Order,
    payments: Vec<(Payment, Option<u64>, i64)>,
    refunds: Vec<Refund>,
    ids: u128,
    a_refund_failed: bool,
}

impl Store {
    fn new() -> Self {
        let order = Order {
            id: OrderId::new(Uuid::from_u128(1)),
            number: OrderNumber::new(1),
            status: OrderStatus::Pending,
            total: euros(PRICE),
            line_count: 1,
            note: None,
            customer_id: AccountId::new(Uuid::from_u128(2)),
            created_at: now(),
            updated_at: now(),
            version: 1,
        };
        Self { order, payments: Vec::new(), refunds: Vec::new(), ids: 100, a_refund_failed: false }
    }

    fn next_id(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(self.ids)
    }

    fn replace(&mut self, payment: Payment) {
        let stored = self.payments.iter_mut().find(|(stored, ..)| stored.id == payment.id).expect("it is stored");
        stored.0 = payment;
    }

    fn recount(&mut self, id: PaymentId) {
        let of_payment: Vec<Refund> = self.refunds.iter().filter(|refund| refund.payment_id == id).cloned().collect();
        let (payment, ..) = self.payments.iter().find(|(stored, ..)| stored.id == id).expect("it is stored");
        let another = self.payments.iter().any(|(other, ..)| other.id != id && other.status.is_active());
        self.replace(payment.after_refunds(&of_payment, another));
    }

    fn add_refund(&mut self, refund: Refund) {
        let id = refund.payment_id;
        self.refunds.push(refund);
        self.recount(id);
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Begin(method) => self.begin(method),
            Step::Report { payment, state, second } => self.report(payment, state, second),
            Step::Settle(payment) => self.settle(payment),
            Step::Refund { payment, amount } => self.refund(payment, amount),
            Step::RefundReport { refund, status } => self.report_refund(refund, status),
            Step::CancelOrder => self.cancel(),
        }
    }

    fn begin(&mut self, method: PaymentMethod) {
        let new = NewPayment {
            id: PaymentId::new(self.next_id()),
            order_id: self.order.id,
            scope: OrderScope::All,
            method,
            begun_at: now(),
            expires_at: now(),
            chargeable: None,
            idempotency: None,
        };
        let active = self.payments.iter().map(|(payment, ..)| payment).find(|payment| payment.status.is_active());
        if let Ok(Beginning::Begins { payment, replaced }) = begin_payment(&self.order, active, &new) {
            if let Some(replaced) = replaced {
                self.replace(replaced);
            }
            self.payments.push((payment, None, 0));
        }
    }

    fn report(&mut self, number: usize, state: IntentState, second: u64) {
        let at = now() + std::time::Duration::from_secs(second);
        let Some(number) = number.checked_rem(self.payments.len()) else { return };
        let (payment, last, came) = &mut self.payments[number];
        if payment.method != PaymentMethod::Card {
            return;
        }
        if state == IntentState::Succeeded {
            *came = PRICE;
        }
        let last_at = last.map(|second| now() + std::time::Duration::from_secs(second));
        let late_refund = self.refunds.iter().any(|refund| {
            refund.payment_id == payment.id && (refund.is_of_late_payment() || refund.status == RefundStatus::Failed)
        });
        match payment.on_report(state, None, late_refund, at, last_at) {
            Consequence::Nothing => {}
            Consequence::CountsLatePayment => payment.received = payment.amount,
            Consequence::Moves(status) => {
                if status == PaymentStatus::Succeeded {
                    payment.received = payment.amount;
                }
                payment.status = status;
                *last = Some(second);
            }
            Consequence::Mismatches(received) => panic!("{received} came"),
            Consequence::RefundsLatePayment(due) => {
                payment.received = payment.amount;
                let payment = payment.clone();
                let id = RefundId::new(self.next_id());
                self.add_refund(payment.refund_late(id, due, at));
            }
        }
    }

    fn settle(&mut self, number: usize) {
        let Some(number) = number.checked_rem(self.payments.len()) else { return };
        let (stored, _, came) = &mut self.payments[number];
        if let Ok(Settlement::Settles { payment, .. }) = stored.settle(staff(), now()) {
            (*stored, *came) = (payment, PRICE);
        }
    }

    fn refund(&mut self, number: usize, amount: Option<i64>) {
        let Some(number) = number.checked_rem(self.payments.len()) else { return };
        let payment = self.payments[number].0.clone();
        let new = NewRefund {
            id: RefundId::new(self.next_id()),
            order_id: self.order.id,
            payment_id: payment.id,
            amount: amount.map(euros),
            chargeable: None,
            reason: Reason::new("cold").expect("a reason"),
            requested_by: staff(),
            requested_at: now(),
        };
        if let Ok(decided) = payment.refund(&new) {
            self.add_refund(decided.refund);
        }
    }

    fn report_refund(&mut self, number: usize, status: RefundStatus) {
        let Some(number) = number.checked_rem(self.refunds.len()) else { return };
        let refund = &mut self.refunds[number];
        if let Some(status) = refund.status.on_report(status) {
            refund.status = status;
            self.a_refund_failed |= status == RefundStatus::Failed;
            let id = refund.payment_id;
            self.recount(id);
        }
    }

    fn cancel(&mut self) {
        if self.order.status == OrderStatus::Cancelled {
            return;
        }
        self.order.status = OrderStatus::Cancelled;
        let payments: Vec<Payment> = self.payments.iter().map(|(payment, ..)| payment.clone()).collect();
        let id = RefundId::new(self.next_id());
        for after in payments_after_cancelling(&payments, id, now()) {
            match after {
                PaymentCancellation::Cancels(payment) => self.replace(payment),
                PaymentCancellation::Refunds(_, refund) => self.add_refund(refund),
            }
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let active = self.payments.iter().filter(|(payment, ..)| payment.status.is_active()).count();
        prop_assert!(active <= 1, "{} active payments", active);
        for (payment, _, came) in &self.payments {
            let refunds = || self.refunds.iter().filter(|refund| refund.payment_id == payment.id);
            let sum = |counts: fn(RefundStatus) -> bool| -> i64 {
                refunds().filter(|refund| counts(refund.status)).map(|refund| refund.amount.amount()).sum()
            };
            let returned = sum(|status| status == RefundStatus::Succeeded);
            let decided = sum(|status| status != RefundStatus::Failed);
            let (status, refunded) = (payment.status, payment.refunded.amount());
            prop_assert_eq!(refunded, decided);
            prop_assert!(decided <= *came, "{} goes back, and {} came", decided, came);
            prop_assert!(!status.is_paid() || *came == PRICE, "{:?} without money", status);
            prop_assert_eq!(status == PaymentStatus::Refunded, returned == PRICE);
            let partly = returned > 0 && returned < PRICE && status != PaymentStatus::Cancelled;
            prop_assert_eq!(status == PaymentStatus::PartlyRefunded, partly);
            if self.order.status == OrderStatus::Cancelled {
                prop_assert!(!status.is_open(), "an open payment of a cancelled order");
                // A refund that the bank does not accept is somebody's to look into.
                prop_assert!(self.a_refund_failed || *came == refunded, "{} of {} goes back", refunded, came);
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn money_and_orders_agree_whatever_happens(steps in prop::collection::vec(any_step(), 0..40)) {
        let mut store = Store::new();
        for step in steps {
            store.take(step);
            store.check()?;
        }
    }
}
