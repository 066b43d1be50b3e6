use std::ops::Range;

use comanda_domain::{
    AccountId, MenuItemId, OrderId, OrderStatus, PaymentId, RefundId, SupplyId, TicketId, TicketState,
};
use comanda_proof::{
    Caller, ClientId, Digest, EventRow, Finding, ItemRow, Key, LineRow, LineShown, OrderRow, OrderShown, OrderedLine,
    Outcome, Property, Record, Request, Response, ServerId, Shown, Tables, TicketRow, TicketShown, Verdict, check,
};
use uuid::Uuid;

/// A history that was made up, with the tables at its end.
pub struct Story {
    pub records: Vec<Record>,
    pub tables: Tables,
}

macro_rules! ids {
    ($($name:ident: $id:ident = $kind:literal;)+) => {
        $(pub fn $name(n: u32) -> $id {
            $id::new(Uuid::from_u128($kind << 64 | u128::from(n)))
        })+
    };
}

ids! {
    account: AccountId = 1;
    item: MenuItemId = 2;
    supply: SupplyId = 3;
    order: OrderId = 4;
    payment: PaymentId = 5;
    refund: RefundId = 6;
    ticket: TicketId = 7;
}

pub const SECOND: u64 = 1_000_000_000;
pub const PRICE: i64 = 500;

pub fn ok(status: u16, shown: Shown) -> Outcome {
    Outcome::Response(Response { shown, ..Response::empty(status) })
}

pub fn done() -> Outcome {
    ok(200, Shown::Nothing)
}

pub fn refused(status: u16, code: &str) -> Outcome {
    Outcome::Response(Response { code: Some(code.to_owned()), ..Response::empty(status) })
}

pub fn unknown() -> Outcome {
    Outcome::Unknown("the connection was cut".to_owned())
}

pub fn key(text: &str, request: &str) -> Key {
    Key { key: text.to_owned(), request: Digest::of(request.as_bytes()) }
}

pub fn lines(of: u32, quantity: u32) -> Vec<OrderedLine> {
    vec![OrderedLine { item: item(of), quantity, selections: Vec::new() }]
}

/// An order of one line of item 1.
pub fn shown(n: u32, by: u32, quantity: u32) -> OrderShown {
    let total = PRICE * i64::from(quantity);
    let line = LineShown { item: item(1), quantity, unit_price: PRICE, line_total: total, selections: Vec::new() };
    OrderShown {
        id: order(n),
        customer: account(by),
        status: OrderStatus::Pending,
        version: 1,
        total,
        line_count: 1,
        lines: Some(vec![line]),
    }
}

/// The same later.
pub fn shown_at(n: u32, by: u32, version: u32, status: OrderStatus) -> Shown {
    Shown::Order(OrderShown { version, status, lines: None, ..shown(n, by, 1) })
}

pub fn ticket_shown(n: u32, of: u32, version: u32, state: TicketState) -> TicketShown {
    TicketShown { id: ticket(n), order: order(of), state, version }
}

pub fn row(n: u32, by: u32, quantity: u32) -> OrderRow {
    let line = LineRow {
        item: item(1),
        quantity,
        unit_price: PRICE,
        extras: 0,
        counted: true,
        selections: Vec::new(),
        taken: std::collections::BTreeMap::default(),
    };
    OrderRow {
        id: order(n),
        customer: account(by),
        key: None,
        status: OrderStatus::Pending,
        version: 1,
        total: PRICE * i64::from(quantity),
        accepted_on_placement: false,
        lines: vec![line],
    }
}

pub fn ticket_row(n: u32, of: u32, version: u32, state: TicketState) -> TicketRow {
    TicketRow { id: ticket(n), order: order(of), state, version, lines: Vec::new() }
}

pub fn event(id: i64, subject: Uuid, version: u32, kind: &str, status: Option<OrderStatus>) -> EventRow {
    let kind = kind.to_owned();
    EventRow { id, kind, subject, version, stream: subject, status, time_ms: id, transaction: Some(id) }
}

impl Story {
    /// With so many of item 1.
    pub fn with_stock(stock: i64) -> Self {
        let item = ItemRow { id: item(1), version: 1, revision: 1, price: PRICE, stock: Some(stock), archived: false };
        let ledger = comanda_proof::LedgerRow {
            of: comanda_proof::Counter::Item(item.id),
            delta: stock,
            reason: "initial".to_owned(),
        };
        let tables = Tables { read_at: 1 << 60, items: vec![item], ledger: vec![ledger], ..Tables::default() };
        Self { records: Vec::new(), tables }
    }

    pub fn new() -> Self {
        Self::with_stock(1000)
    }

    /// Adds a call of a client, who is the account of the same number, and asks server 1.
    pub fn call(&mut self, client: u32, time: Range<u64>, request: Request, outcome: Outcome) -> &mut Record {
        let sequence = self.records.len() as u64;
        self.records.push(Record {
            sequence,
            client: ClientId(client),
            caller: Caller::Admin,
            account: Some(account(client)),
            session: None,
            server: Some(ServerId(1)),
            begin: time.start,
            end: time.end,
            key: None,
            request,
            outcome,
        });
        self.records.last_mut().unwrap()
    }

    /// An order with its event that is in the tables, and took of what is left.
    pub fn keep(&mut self, row: OrderRow) {
        if row.status.holds_stock() {
            let taken: i64 = row.lines.iter().map(|line| i64::from(line.quantity)).sum();
            *self.tables.items[0].stock.as_mut().unwrap() -= taken;
        }
        let mut way = vec![OrderStatus::Pending];
        for version in 2..=row.version {
            let status = row.status.at_version(row.version, version);
            way.push(status);
        }
        for (version, status) in (1..).zip(way) {
            let id = self.next_event();
            let kind = if version == 1 { "order.placed" } else { "order.status_changed" };
            let status = (version > 1).then_some(status);
            self.tables.events.push(event(id, row.id.as_uuid(), version, kind, status));
        }
        self.tables.orders.push(row);
    }

    /// Places an order of item 1, which is confirmed and kept.
    pub fn place(&mut self, n: u32, by: u32, quantity: u32, time: Range<u64>) -> &mut Record {
        self.keep(row(n, by, quantity));
        let request = Request::PlaceOrder { lines: lines(1, quantity) };
        self.call(by, time, request, ok(201, Shown::Order(shown(n, by, quantity))))
    }

    /// A ticket with its events.
    pub fn keep_ticket(&mut self, row: TicketRow) {
        for version in 1..=row.version {
            let id = self.next_event();
            let stream = row.order.as_uuid();
            let event = EventRow { stream, ..event(id, row.id.as_uuid(), version, "ticket.changed", None) };
            self.tables.events.push(event);
        }
        self.tables.tickets.push(row);
    }

    fn next_event(&self) -> i64 {
        i64::try_from(self.tables.events.len()).unwrap() + 1
    }

    /// What the response of a call shows of an order.
    pub fn order_shown(&mut self, call: usize) -> &mut OrderShown {
        match &mut self.records[call].outcome {
            Outcome::Response(Response { shown: Shown::Order(order), .. }) => order,
            _ => unreachable!(),
        }
    }

    /// The first line of it.
    pub fn line_shown(&mut self, call: usize) -> &mut LineShown {
        &mut self.order_shown(call).lines.as_mut().unwrap()[0]
    }

    pub fn verdict(&self) -> Verdict {
        check(&self.records[..], &self.tables).unwrap()
    }

    pub fn findings(&self) -> Vec<Finding> {
        self.verdict().findings
    }

    #[track_caller]
    pub fn is_good(&self) {
        let findings = self.findings();
        assert!(findings.is_empty(), "{}", told(&findings));
    }

    /// There must be a finding of this property whose reason has this in it, shown by exactly these records.
    #[track_caller]
    pub fn is_found(&self, property: Property, reason: &str, records: &[u64]) {
        let findings = self.findings();
        let fits = |finding: &&Finding| finding.property == property && finding.reason.contains(reason);
        let shown_by = |finding: &Finding| {
            let mut shown_by: Vec<u64> = finding.records.iter().map(|record| record.sequence).collect();
            shown_by.sort_unstable();
            shown_by
        };
        let found: Vec<Vec<u64>> = findings.iter().filter(fits).map(shown_by).collect();
        assert!(found.iter().any(|shown_by| shown_by == records), "{found:?}\n{}", told(&findings));
    }
}

pub fn told(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect()
}
