//! What was taken from customers is what they owed, and what was given back was given back once.

use std::collections::{HashMap, HashSet};

use comanda_domain::{OrderStatus, PaymentId, PaymentMethod, PaymentStatus, RefundId, RefundStatus};

use super::{Checked, Ordered};
use crate::{GatewayRow, PaymentRow, PaymentWay, Property, Record, RefundRow, Request, Shown, finding::Found};

pub(super) struct Money<'t> {
    tables: &'t Ordered<'t>,
    /// Payments that were begun, as they were shown.
    begun: Vec<(PaymentId, i64, u64)>,
    /// What may have been paid at the gateway, and whether it said so.
    paid: HashMap<PaymentId, (u64, bool)>,
    settled: Vec<(PaymentId, u64)>,
    /// Refunds that were confirmed.
    refunded: Vec<(RefundId, PaymentId, i64, u64)>,
    /// By their reasons: the call, and whether it may have been done.
    asked: HashMap<String, (u64, bool)>,
}

impl<'t> Money<'t> {
    pub(super) fn of(tables: &'t Ordered<'t>) -> Self {
        Self {
            tables,
            begun: Vec::new(),
            paid: HashMap::new(),
            settled: Vec::new(),
            refunded: Vec::new(),
            asked: HashMap::new(),
        }
    }
}

impl Checked for Money<'_> {
    fn see(&mut self, record: &Record, _: &mut Found) {
        let this = record.sequence;
        match (&record.request, record.shown()) {
            (Request::Pay { .. }, Shown::Payment(shown)) if record.succeeded() => {
                self.begun.push((shown.id, shown.amount, this));
            }
            (Request::PayAtGateway { payment, way: PaymentWay::Succeeds }, _) if record.may_have_done_it() => {
                let known = self.paid.entry(*payment).or_insert((this, false));
                if record.succeeded() && !known.1 {
                    *known = (this, true);
                }
            }
            (Request::Settle { payment, .. }, _) if record.succeeded() => self.settled.push((*payment, this)),
            (Request::Refund { reason, .. }, shown) => {
                if let Shown::Refund(shown) = shown
                    && record.succeeded()
                {
                    self.refunded.push((shown.id, shown.payment, shown.amount, this));
                }
                let known = self.asked.entry(reason.clone()).or_insert((this, false));
                if record.may_have_done_it() && !known.1 {
                    *known = (this, true);
                }
            }
            _ => {}
        }
    }

    fn conclude(self: Box<Self>, found: &mut Found) {
        let tables = self.tables.tables;
        let payments: HashMap<PaymentId, &PaymentRow> = tables.payments.iter().map(|row| (row.id, row)).collect();
        let mut given: HashMap<PaymentId, Given> = HashMap::new();
        for refund in &tables.refunds {
            given.entry(refund.payment).or_default().add(refund);
        }
        let compared = self.begun.len() + self.settled.len() + self.refunded.len();
        found.look_at(Property::Money, compared + tables.payments.len() + tables.refunds.len());
        let mut report = |reason: String, shown_by: Option<u64>| found.report(Property::Money, reason, shown_by);

        for (id, amount, sequence) in &self.begun {
            match payments.get(id) {
                None => report(format!("payment {id} was begun, and is not in the tables"), Some(*sequence)),
                Some(row) if row.amount != *amount => {
                    report(format!("payment {id} was of {amount}, and is of {}", row.amount), Some(*sequence));
                }
                Some(_) => {}
            }
        }
        for (id, sequence) in &self.settled {
            if !payments.get(id).is_some_and(|row| row.paid) {
                report(format!("payment {id} was settled, and is not paid"), Some(*sequence));
            }
        }
        self.compare_refunds(&mut report);
        self.compare_orders(&given, &mut report);
        for row in &tables.payments {
            let given = given.get(&row.id).copied().unwrap_or_default();
            self.look_at(row, given, &mut report);
        }
        if let Some(book) = &tables.gateway {
            balance(book, &payments, &given, &mut report);
        }
    }
}

impl Money<'_> {
    /// Refunds that were confirmed, or refused, with those in the tables.
    fn compare_refunds(&self, report: &mut impl FnMut(String, Option<u64>)) {
        let rows: HashMap<RefundId, &RefundRow> = self.tables.tables.refunds.iter().map(|row| (row.id, row)).collect();
        for (id, payment, amount, sequence) in &self.refunded {
            match rows.get(id) {
                None => report(format!("refund {id} was confirmed, and is not in the tables"), Some(*sequence)),
                Some(row) if (row.payment, row.amount) != (*payment, *amount) => {
                    let is = format!("of {} of payment {}", row.amount, row.payment);
                    report(format!("refund {id} was of {amount} of payment {payment}, and is {is}"), Some(*sequence));
                }
                Some(_) => {}
            }
        }
        let mut reasons = HashSet::new();
        for row in &self.tables.tables.refunds {
            let Some((sequence, may_be_done)) = self.asked.get(&row.reason) else { continue };
            if !may_be_done {
                report(format!("refund {} is in the tables, and was refused", row.id), Some(*sequence));
            } else if !reasons.insert(row.reason.as_str()) {
                report(format!("what refund {} gives back was asked for once", row.id), Some(*sequence));
            }
        }
    }

    /// No order is paid for twice, and none that is cancelled at all.
    fn compare_orders(&self, given: &HashMap<PaymentId, Given>, report: &mut impl FnMut(String, Option<u64>)) {
        let mut kept = HashMap::new();
        for row in &self.tables.tables.payments {
            let order = self.tables.order(row.order);
            if let Some(order) = order.filter(|order| order.total != row.amount) {
                let what = format!("payment {} is of {}, and order {} costs", row.id, row.amount, row.order);
                report(format!("{what} {}", order.total), None);
            }
            let given = given.get(&row.id).copied().unwrap_or_default();
            // A refund that failed is for staff to look into.
            if !row.paid || given.decided + given.failed >= row.amount {
                continue;
            }
            if let Some(other) = kept.insert(row.order, row.id) {
                report(format!("order {} is paid for by payments {other} and {}", row.order, row.id), None);
            }
            if order.is_some_and(|order| order.status == OrderStatus::Cancelled) {
                let (order, decided) = (row.order, given.decided);
                let what =
                    format!("order {order} is cancelled, and {decided} of the {} paid by {}", row.amount, row.id);
                report(format!("{what} are given back"), None);
            }
        }
    }

    fn look_at(&self, row: &PaymentRow, given: Given, report: &mut impl FnMut(String, Option<u64>)) {
        let PaymentRow { id, amount, .. } = row;
        if given.decided > *amount {
            report(format!("{} of the {amount} of payment {id} are given back", given.decided), None);
        }
        let decided = given.decided.min(*amount);
        if row.refunded != decided {
            report(format!("{} of payment {id} are to be given back; its refunds say {decided}", row.refunded), None);
        }
        let paid = self.paid.get(id);
        let is_kept = row.paid || given.decided >= *amount;
        if let Some((sequence, true)) = paid
            && !is_kept
        {
            report(format!("payment {id} was paid at the gateway, and is {}", row.status), Some(*sequence));
        }
        if row.method == PaymentMethod::Card && row.paid && paid.is_none() && self.tables.tables.gateway.is_none() {
            report(format!("payment {id} is paid, and nobody has paid it"), None);
        }
        let is_said_to_go_back = matches!(row.status, PaymentStatus::Refunded | PaymentStatus::PartlyRefunded);
        if is_said_to_go_back && given.decided + given.failed == 0 {
            report(format!("payment {id} is {}, and nothing of it goes back", row.status), None);
        }
        let is_all_back = given.back >= *amount;
        if row.paid && (row.status == PaymentStatus::Refunded) != is_all_back && given.back + given.failed > 0 {
            report(format!("payment {id} is {}, and {} of {amount} went back", row.status, given.back), None);
        }
    }
}

/// What goes back of a payment.
#[derive(Clone, Copy, Default)]
struct Given {
    /// Decided on, whether or not the gateway has it by now.
    decided: i64,
    /// Certainly back.
    back: i64,
    failed: i64,
}

impl Given {
    fn add(&mut self, refund: &RefundRow) {
        match refund.status {
            RefundStatus::Succeeded => {
                self.decided += refund.amount;
                self.back += refund.amount;
            }
            RefundStatus::Pending => self.decided += refund.amount,
            RefundStatus::Failed => self.failed += refund.amount,
        }
    }
}

/// Compares the tables with the gateway's book.
fn balance(
    book: &[GatewayRow],
    payments: &HashMap<PaymentId, &PaymentRow>,
    given: &HashMap<PaymentId, Given>,
    report: &mut impl FnMut(String, Option<u64>),
) {
    let mut booked: HashMap<PaymentId, (i64, i64)> = HashMap::new();
    for row in book {
        let Some(payment) = row.payment.filter(|id| payments.contains_key(id)) else {
            if row.received != row.refunded {
                let kept = row.received - row.refunded;
                report(format!("the gateway has {kept} by {}, and no payment says what for", row.intent), None);
            }
            continue;
        };
        let sums = booked.entry(payment).or_default();
        sums.0 += row.received;
        sums.1 += row.refunded;
    }
    for (id, row) in payments {
        let (received, refunded) = booked.get(id).copied().unwrap_or_default();
        let given = given.get(id).copied().unwrap_or_default();
        if row.method != PaymentMethod::Card {
            continue;
        }
        if row.paid && received != row.amount {
            report(format!("payment {id} of {} is paid, and the gateway has taken {received}", row.amount), None);
        }
        if !row.paid && received > 0 && given.decided < received {
            report(format!("the gateway has taken {received} for payment {id}, which is {}", row.status), None);
        }
        if !(given.back..=given.decided).contains(&refunded) {
            let what = format!("the gateway has given back {refunded} of payment {id}");
            report(format!("{what}, and its refunds come to {}", given.back), None);
        }
    }
}
