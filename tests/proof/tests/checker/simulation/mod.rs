//! A shop in which one thing happens after the other, while calls overlap: each takes effect at one moment between its
//! beginning and its end. So whatever it records is allowed.

mod kitchen;
mod orders;
mod people;
mod stocks;

use std::collections::{HashMap, VecDeque};

use comanda_domain::{AccountId, LockoutPolicy, LockoutState, OrderStatus};
use comanda_proof::{
    Caller, ClientId, Counter, Digest, EventRow, GatewayRow, ItemRow, Key, LedgerRow, Outcome, Record, Request,
    Response, ServerId, SessionId, Shown, StreamMessage, SupplyRow, Tables, WebhookEvent,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use uuid::Uuid;

use crate::story::{account, item, order, payment, supply};

const RECEIVER: &str = "till";
const BOARD: u32 = 900;
const SERVERS: u32 = 4;
const CUSTOMERS: u32 = 200;
const STAFF: u32 = 300;

/// The shop, and what it tells of every call.
pub struct Shop<'s> {
    random: StdRng,
    now: u64,
    sequence: u64,
    tell: Box<dyn FnMut(Record) + 's>,
    pub tables: Tables,
    /// Places of orders that may still change.
    recent: VecDeque<usize>,
    menu_version: u64,
    menu_was_told: bool,
    sessions: Vec<(SessionId, AccountId, bool)>,
    locks: HashMap<u32, LockoutState>,
    policy: LockoutPolicy,
    /// Of tickets, by orders.
    tickets: HashMap<usize, Vec<usize>>,
    payments: HashMap<usize, usize>,
}

impl<'s> Shop<'s> {
    pub fn new(seed: u64, tell: impl FnMut(Record) + 's) -> Self {
        let mut tables = Tables { gateway: Some(Vec::<GatewayRow>::new()), ..Tables::default() };
        tables.settings.receivers = vec![RECEIVER.to_owned()];
        for n in 0..20 {
            let (id, price) = (item(n), 1000 + i64::from(n));
            tables.items.push(ItemRow { id, version: 1, revision: 1, price, stock: Some(30), archived: false });
            tables.ledger.push(LedgerRow { of: Counter::Item(id), delta: 30, reason: "initial".to_owned() });
        }
        for n in 0..3 {
            let id = supply(n);
            tables.supplies.push(SupplyRow { id, version: 1, revision: 1, stock: 200 });
            tables.ledger.push(LedgerRow { of: Counter::Supply(id), delta: 200, reason: "initial".to_owned() });
        }
        let mut shop = Self {
            random: StdRng::seed_from_u64(seed),
            now: 1_000_000_000,
            sequence: 0,
            tell: Box::new(tell),
            tables,
            recent: VecDeque::new(),
            menu_version: 1,
            menu_was_told: false,
            sessions: Vec::new(),
            locks: HashMap::new(),
            policy: LockoutPolicy::default(),
            tickets: HashMap::new(),
            payments: HashMap::new(),
        };
        shop.hear(StreamMessage::Opened { resumed: false });
        shop.hear(StreamMessage::Snapshot(Shown::Tickets(Vec::new())));
        shop
    }

    /// Has this many calls made, or a few more.
    pub fn run(&mut self, calls: u64) {
        while self.sequence < calls {
            self.now += self.random.random_range(1..3_000_000);
            match self.random.random_range(0..100) {
                0..35 => self.place(),
                35..50 => self.read_order(),
                50..60 => self.change_order(),
                60..72 => self.change_ticket(),
                72..77 => self.pay(),
                77..79 => self.refund(),
                79..87 => self.read_menu(),
                87..88 => self.edit_item(),
                88..93 => self.adjust(),
                93..95 => self.read_stock(),
                95..98 => self.use_sessions(),
                _ => self.guess(),
            }
        }
        self.now += 60_000_000_000;
        self.tables.read_at = self.now;
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }

    /// A call that takes effect now.
    fn call(&mut self, client: u32, request: Request, outcome: Outcome) -> Record {
        self.now += 1;
        let (before, after) = (self.random.random_range(0..2_000_000), self.random.random_range(0..2_000_000));
        let caller = if client < STAFF { Caller::Customer } else { Caller::Staff };
        self.sequence += 1;
        Record {
            sequence: self.sequence,
            client: ClientId(client),
            caller,
            account: Some(account(client)),
            session: None,
            server: Some(ServerId(self.random.random_range(0..SERVERS))),
            begin: self.now - before,
            end: self.now + after,
            key: None,
            request,
            outcome,
        }
    }

    fn tell(&mut self, record: Record) {
        (self.tell)(record);
    }

    /// Tells of something that was done under a key of its own; of some of it no response came, and some is repeated.
    fn tell_with_key(&mut self, mut record: Record) {
        let sequence = record.sequence;
        let request = Digest::of(&sequence.to_be_bytes());
        record.key = Some(Key { key: format!("key-{sequence}"), request });
        let mut again = record.clone();
        if let Outcome::Response(response) = &mut record.outcome {
            response.digest = Some(Digest::of_parts(&[b"response", &sequence.to_be_bytes()]));
            again.outcome = record.outcome.clone();
        }
        let was_lost = self.chance(5);
        if was_lost {
            record.outcome = Outcome::Unknown("cut".to_owned());
            record.end = self.now;
        }
        self.tell(record);
        if was_lost || self.chance(5) {
            let Record { sequence, begin, end, .. } = self.call(0, again.request.clone(), again.outcome.clone());
            (again.sequence, again.begin, again.end) = (sequence, begin, end);
            if let Outcome::Response(response) = &mut again.outcome {
                response.replayed = true;
            }
            self.tell(again.clone());
        }
        if self.chance(1) {
            let code = Some("idempotency-key-reused".to_owned());
            let outcome = Outcome::Response(Response { code, ..Response::empty(422) });
            let Record { sequence, begin, end, outcome, .. } = self.call(0, again.request.clone(), outcome);
            let key = again.key.map(|key| Key { request: Digest::of(b"another"), ..key });
            self.tell(Record { sequence, begin, end, outcome, key, ..again });
        }
    }

    /// Something over the kitchen's stream.
    fn hear(&mut self, message: StreamMessage) {
        let outcome = Outcome::Response(Response::empty(200));
        let record = self.call(BOARD, Request::Stream { stream: 1, of: None, message }, outcome);
        let at = self.now;
        self.tell(Record { begin: at, end: at, ..record });
    }

    /// Writes an event, and delivers it.
    fn announce(&mut self, kind: &str, subject: Uuid, stream: Uuid, version: u32, status: Option<OrderStatus>) {
        let number = self.tables.events.len() + 1;
        let id = i64::try_from(number).unwrap();
        let time_ms = i64::try_from(self.now / 1_000_000).unwrap();
        let is_change = kind == "order.status_changed";
        let told = status.filter(|_| is_change);
        self.tables.events.push(EventRow {
            id,
            kind: kind.to_owned(),
            subject,
            version,
            stream,
            status: told,
            time_ms,
            transaction: Some(id),
        });
        if kind == "ticket.changed" {
            return;
        }
        let event = WebhookEvent {
            receiver: RECEIVER.to_owned(),
            id: Uuid::from_u128(number as u128),
            kind: kind.to_owned(),
            subject: stream,
            time_ms,
            status: status.filter(|_| kind.starts_with("order.")),
            version: kind.starts_with("order.").then_some(version),
            payment: kind.starts_with("payment.").then(|| comanda_domain::PaymentId::new(subject)),
        };
        for status in [500, 200] {
            if status == 500 && !self.chance(2) {
                continue;
            }
            let outcome = Outcome::Response(Response::empty(status));
            let record = self.call(901, Request::Webhook(event.clone()), outcome);
            let at = self.now;
            self.tell(Record { begin: at, end: at, server: None, account: None, ..record });
        }
    }

    /// Some order that may still change.
    fn some_order(&mut self) -> Option<usize> {
        if self.recent.is_empty() {
            return None;
        }
        let place = self.random.random_range(0..self.recent.len());
        Some(self.recent[place])
    }
}

fn order_number(place: usize) -> u32 {
    u32::try_from(place).unwrap()
}

fn ok(status: u16, shown: Shown) -> Outcome {
    Outcome::Response(Response { shown, ..Response::empty(status) })
}

fn refused(status: u16, code: &str) -> Outcome {
    Outcome::Response(Response { code: Some(code.to_owned()), ..Response::empty(status) })
}
