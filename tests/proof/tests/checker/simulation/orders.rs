use std::collections::BTreeMap;

use comanda_domain::{OrderStatus, PaymentMethod, PaymentStatus, RefundId, RefundStatus};
use comanda_proof::{
    GatewayRow, ItemShortage, LineRow, LineShown, OrderRow, OrderShown, OrderedLine, Outcome, PaymentRow, PaymentShown,
    PaymentWay, RefundRow, RefundShown, Request, Shown, SupplyShortage,
};
use rand::RngExt;
use uuid::Uuid;

use super::{CUSTOMERS, STAFF, Shop, account, item, ok, order, order_number, payment, refused, supply};

impl Shop<'_> {
    pub(super) fn place(&mut self) {
        let customer = self.random.random_range(1..CUSTOMERS);
        let mut lines = Vec::new();
        for _ in 0..self.random.random_range(1..=2) {
            let (item, quantity) = (item(self.random.random_range(0..20)), self.random.random_range(1..=3));
            lines.push(OrderedLine { item, quantity, selections: Vec::new() });
        }
        let request = Request::PlaceOrder { lines: lines.clone() };
        if let Some(refusal) = self.shortages(&lines) {
            let record = self.call(customer, request, refusal);
            self.tell(record);
            return;
        }
        if self.chance(3) {
            let mut lost = self.call(customer, request, Outcome::Unknown("cut".to_owned()));
            lost.key = Some(crate::story::key(&format!("lost-{}", lost.sequence), "lost"));
            self.tell(lost);
            return;
        }
        let place = self.tables.orders.len();
        let mut rows = Vec::new();
        for line in &lines {
            let (number, supply_number) = (place_of(line), place_of(line) % 3);
            let quantity = i64::from(line.quantity);
            let row = &mut self.tables.items[number];
            row.version += 1;
            *row.stock.as_mut().unwrap() -= quantity;
            let unit_price = row.price;
            let row = &mut self.tables.supplies[supply_number];
            row.version += 1;
            row.stock -= quantity;
            rows.push(LineRow {
                item: line.item,
                quantity: line.quantity,
                unit_price,
                extras: 0,
                counted: true,
                selections: Vec::new(),
                taken: BTreeMap::from([(row.id, quantity)]),
            });
        }
        let is_accepted = self.chance(50);
        let (id, customer_id) = (order(order_number(place)), account(customer));
        let total = rows.iter().map(|line| line.unit_price * i64::from(line.quantity)).sum();
        let status = if is_accepted { OrderStatus::Accepted } else { OrderStatus::Pending };
        let shown = Shown::Order(OrderShown {
            lines: Some(rows.iter().map(shown_line).collect()),
            id,
            customer: customer_id,
            status,
            version: 1,
            total,
            line_count: u32::try_from(rows.len()).unwrap(),
        });
        let record = self.call(customer, request, ok(201, shown));
        self.tables.orders.push(OrderRow {
            id,
            customer: customer_id,
            key: Some(format!("key-{}", record.sequence)),
            status,
            version: 1,
            total,
            accepted_on_placement: is_accepted,
            lines: rows,
        });
        self.recent.push_back(place);
        if self.recent.len() > 300 {
            self.recent.pop_front();
        }
        self.announce("order.placed", id.as_uuid(), id.as_uuid(), 1, Some(status));
        if is_accepted {
            self.write_tickets(place);
        }
        self.tell_with_key(record);
    }

    fn shortages(&self, lines: &[OrderedLine]) -> Option<Outcome> {
        let (mut of_items, mut of_supplies) = (BTreeMap::new(), BTreeMap::new());
        for line in lines {
            *of_items.entry(place_of(line)).or_insert(0) += i64::from(line.quantity);
            *of_supplies.entry(place_of(line) % 3).or_insert(0) += i64::from(line.quantity);
        }
        let stock = |place: usize| self.tables.items[place].stock.unwrap();
        let items: Vec<ItemShortage> = of_items
            .into_iter()
            .filter(|(place, requested)| stock(*place) < *requested)
            .map(|(place, requested)| ItemShortage {
                item: self.tables.items[place].id,
                requested,
                available: stock(place),
            })
            .collect();
        let left = |place: usize| self.tables.supplies[place].stock;
        let supplies: Vec<SupplyShortage> = of_supplies
            .into_iter()
            .filter(|(place, requested)| left(*place) < *requested)
            .map(|(place, requested)| {
                let supply = supply(u32::try_from(place).unwrap());
                SupplyShortage { supply, requested, available: left(place) }
            })
            .collect();
        if items.is_empty() && supplies.is_empty() {
            return None;
        }
        let mut outcome = refused(409, "insufficient-stock");
        if let Outcome::Response(response) = &mut outcome {
            response.shown = Shown::Shortages { items, supplies };
        }
        Some(outcome)
    }

    pub(super) fn shown(&self, place: usize) -> OrderShown {
        let row = &self.tables.orders[place];
        OrderShown {
            id: row.id,
            customer: row.customer,
            status: row.status,
            version: row.version,
            total: row.total,
            line_count: u32::try_from(row.lines.len()).unwrap(),
            lines: None,
        }
    }

    pub(super) fn read_order(&mut self) {
        let Some(place) = self.some_order() else { return };
        let shown = self.shown(place);
        let (request, shown) = match self.chance(10) {
            true => (Request::ListOrders, Shown::Orders(vec![shown])),
            false => (Request::ReadOrder { order: shown.id }, Shown::Order(shown)),
        };
        let record = self.call(STAFF, request, ok(200, shown));
        self.tell(record);
    }

    /// Takes an order one step further, with its event.
    pub(super) fn step(&mut self, place: usize, to: OrderStatus) {
        let row = &mut self.tables.orders[place];
        row.version += 1;
        row.status = to;
        let (id, version) = (row.id.as_uuid(), row.version);
        self.announce("order.status_changed", id, id, version, Some(to));
    }

    pub(super) fn change_order(&mut self) {
        let Some(place) = self.some_order() else { return };
        let (id, status) = (self.tables.orders[place].id, self.tables.orders[place].status);
        if self.chance(25) {
            self.cancel(place);
            return;
        }
        let to = match status {
            OrderStatus::Pending => OrderStatus::Accepted,
            OrderStatus::Ready => OrderStatus::Completed,
            _ => return,
        };
        self.step(place, to);
        let shown = Shown::Order(self.shown(place));
        let record = self.call(STAFF, Request::ChangeStatus { order: id, to }, ok(200, shown));
        if to == OrderStatus::Accepted {
            self.write_tickets(place);
        }
        self.tell_with_key(record);
    }

    fn cancel(&mut self, place: usize) {
        let row = &self.tables.orders[place];
        let id = row.id;
        if !row.status.is_open() {
            let record = self.call(STAFF, Request::Cancel { order: id }, refused(409, "invalid-transition"));
            self.tell(record);
            return;
        }
        for line in row.lines.clone() {
            let number = self.tables.items.iter().position(|row| row.id == line.item).unwrap();
            let quantity = i64::from(line.quantity);
            self.tables.items[number].version += 1;
            *self.tables.items[number].stock.as_mut().unwrap() += quantity;
            self.tables.supplies[number % 3].version += 1;
            self.tables.supplies[number % 3].stock += quantity;
        }
        self.step(place, OrderStatus::Cancelled);
        let shown = Shown::Order(self.shown(place));
        let record = self.call(STAFF, Request::Cancel { order: id }, ok(200, shown));
        self.void_tickets(place);
        if let Some(paid) = self.payments.get(&place).copied() {
            let left = self.tables.payments[paid].amount - self.tables.payments[paid].refunded;
            self.give_back(paid, left, format!("cancelled {place}"));
        }
        self.tell_with_key(record);
    }

    pub(super) fn pay(&mut self) {
        let Some(place) = self.some_order() else { return };
        let row = &self.tables.orders[place];
        if !row.status.is_open() || self.payments.contains_key(&place) {
            return;
        }
        let (id, order, amount) = (payment(order_number(place)), row.id, row.total);
        let shown = Shown::Payment(PaymentShown { id, status: PaymentStatus::Pending, amount });
        let customer = 1;
        let method = PaymentMethod::Card;
        let record = self.call(customer, Request::Pay { order, method }, ok(201, shown));
        self.tell_with_key(record);
        let status = PaymentStatus::Succeeded;
        let intent = format!("pi_{place}");
        let gateway = self.tables.gateway.as_mut().unwrap();
        gateway.push(GatewayRow {
            intent: intent.clone(),
            payment: Some(id),
            received: amount,
            refunded: 0,
            cancelled: false,
        });
        self.payments.insert(place, self.tables.payments.len());
        self.tables.payments.push(PaymentRow {
            id,
            order,
            method,
            status,
            amount,
            refunded: 0,
            paid: true,
            intent: Some(intent),
        });
        let paid = Request::PayAtGateway { payment: id, way: PaymentWay::Succeeds };
        let record = self.call(customer, paid, ok(202, Shown::Nothing));
        self.tell(record);
        self.announce("payment.succeeded", id.as_uuid(), order.as_uuid(), 2, None);
    }

    pub(super) fn refund(&mut self) {
        let Some(paid) = self.some_order().and_then(|place| self.payments.get(&place).copied()) else { return };
        let row = self.tables.payments[paid].clone();
        if row.refunded > 0 || row.amount < 2 {
            return;
        }
        let (amount, reason) = (row.amount / 2, format!("cold {paid}"));
        let id = self.give_back(paid, amount, reason.clone());
        let shown = RefundShown { id, payment: row.id, amount, status: RefundStatus::Pending };
        let request = Request::Refund { order: row.order, payment: row.id, amount: Some(amount), reason };
        let record = self.call(STAFF, request, ok(201, Shown::Refund(shown)));
        self.tell_with_key(record);
    }

    fn give_back(&mut self, paid: usize, amount: i64, reason: String) -> RefundId {
        let number = self.tables.refunds.len();
        let row = &mut self.tables.payments[paid];
        row.refunded += amount;
        let is_all = row.refunded == row.amount;
        row.status = if is_all { PaymentStatus::Refunded } else { PaymentStatus::PartlyRefunded };
        let (payment, order) = (row.id, row.order.as_uuid());
        self.tables.gateway.as_mut().unwrap()[paid].refunded += amount;
        let id = RefundId::new(Uuid::from_u128(number as u128 + 1));
        self.tables.refunds.push(RefundRow { id, payment, amount, status: RefundStatus::Succeeded, reason });
        let version = 3 + u32::from(is_all);
        self.announce("payment.refunded", payment.as_uuid(), order, version, None);
        id
    }
}

fn place_of(line: &OrderedLine) -> usize {
    usize::try_from(line.item.as_uuid().as_u128() & 0xffff_ffff).unwrap()
}

fn shown_line(row: &LineRow) -> LineShown {
    LineShown {
        item: row.item,
        quantity: row.quantity,
        unit_price: row.unit_price,
        line_total: row.unit_price * i64::from(row.quantity),
        selections: Vec::new(),
    }
}
