//! Columns hold in turn what no release writes: some columns always, and some of the others, which are other ones each
//! time. Whoever asks for the record learns that it cannot be read; lists show the others, and no worker stops.

use std::{fmt::Display, time::Duration};

use comanda_domain::{
    Actor, ChargeableAmounts, Currency, MailLimits, NewPayment, NewRefund, OrderNumber, OrderScope, PageLimit,
    PaymentId, PaymentMethod, PaymentTerms, Period, Perishable, Reason, RefundId, Role, SessionId, Timestamp,
    ports::{
        Accounts, AccountsQuery, AuditLog, AuditQuery, Checkout, FlagSettings, GatewayInbox, InboxEvent, IntentReport,
        LiveMenu, MailAllowance, Mails, MenuItemsQuery, OrderCriteria, Orders, OrdersQuery, Outbox, OverdueOrders,
        PaymentIntents, Payments, Refunds, RequestMailError, Retention, SalesFigures, Sessions, SessionsQuery,
        SuppliesQuery, SupplyList, Unavailable,
    },
};
use comanda_postgres::{
    PostgresAuditLog, PostgresFlagSettings, PostgresMails, PostgresOutbox, PostgresPayments, PostgresRetention,
    PostgresSalesFigures, PostgresSessions,
};
use comanda_tests::seeded;
use rand::RngExt;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::shop::{Shop, new_account, now};

const KITCHEN: &str = "kitchen";

/// The tables whose rows are records. What keeps the system's own place is not among them.
const TABLES: [&str; 20] = [
    "audit_log",
    "feature_flags",
    "gateway_events",
    "kitchen_station_categories",
    "kitchen_stations",
    "kitchen_tickets",
    "mails",
    "menu_items",
    "order_lines",
    "orders",
    "outbox_events",
    "outbox_retries",
    "payment_incidents",
    "payments",
    "refunds",
    "sessions",
    "stock_adjustments",
    "supplies",
    "supply_adjustments",
    "users",
];

/// What a column of this type may hold, as literals.
fn odd_values(data_type: &str) -> &'static [&'static str] {
    match data_type {
        "text" => &["''", "'nonsense'", "E'a\\u200bb\\u2028c'", "repeat('x', 5000)"],
        "smallint" => &["-32768", "32767"],
        "integer" => &["-2147483648", "2147483647"],
        "bigint" => &["-9223372036854775808", "9223372036854775807"],
        "jsonb" => &["'null'", "'7'", "'[]'", "'{}'", "'[{}]'", r#"'{"rice": -1}'"#],
        "timestamp with time zone" => &["'infinity'", "'-infinity'", "'294276-12-31'", "'4714-11-24 BC'"],
        _ => &[],
    }
}

/// Whether it is tried each time. All of them take minutes.
fn is_always_tried(column: &str, data_type: &str, value: &str) -> bool {
    match data_type {
        "timestamp with time zone" => value == "'infinity'",
        "text" => {
            matches!(column, "email" | "kind" | "method" | "password_hash" | "role" | "state" | "status")
                && value == "'nonsense'"
        }
        _ => false,
    }
}

/// The adapters of one shop, as the server has them, and what was wrong with them.
struct Readers<'a> {
    shop: &'a Shop,
    tables: &'a Client,
    payments: PostgresPayments,
    mails: PostgresMails,
    outbox: PostgresOutbox,
    sessions: PostgresSessions,
    audit_log: PostgresAuditLog,
    flags: PostgresFlagSettings,
    sales: PostgresSalesFigures,
    retention: PostgresRetention,
    complaints: Vec<String>,
}

impl<'a> Readers<'a> {
    fn of(shop: &'a Shop, tables: &'a Client) -> Self {
        let pool = || shop.pool.clone();
        Self {
            shop,
            tables,
            payments: PostgresPayments::new(pool()),
            mails: PostgresMails::new(pool(), MailLimits { requested: 1, others: 100 }),
            outbox: PostgresOutbox::new(pool()),
            sessions: PostgresSessions::new(pool()),
            audit_log: PostgresAuditLog::new(pool()),
            flags: PostgresFlagSettings::new(pool()),
            sales: PostgresSalesFigures::new(pool()),
            retention: PostgresRetention::new(pool(), Uuid::now_v7()),
            complaints: Vec::new(),
        }
    }

    /// What is no fault of a single record is an outage.
    fn note<T, E: Into<Unavailable>>(&mut self, what: impl Display, result: Result<T, E>) -> Option<T> {
        let error = match result {
            Ok(found) => return Some(found),
            Err(error) => error.into(),
        };
        if error.unreadable().is_none() {
            self.complaints.push(format!("{what}: {error}"));
        }
        None
    }

    fn expect(&mut self, what: impl Display, holds: bool) {
        if !holds {
            self.complaints.push(what.to_string());
        }
    }

    async fn count(&self, sql: &str) -> usize {
        let count: i64 = self.tables.query_one(sql, &[]).await.unwrap().get(0);
        usize::try_from(count).unwrap()
    }

    async fn ids(&self, table: &str) -> Vec<Uuid> {
        let rows = self.tables.query(&format!("SELECT id FROM {table} ORDER BY id"), &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    async fn read_lists(&mut self) {
        let limit = PageLimit::new(100).unwrap();
        let shop = self.shop;
        let query = AccountsQuery { role: None, disabled: None, after: None, limit };
        let page = self.note("accounts", shop.accounts.list(query).await);
        let all = self.count("SELECT count(*) FROM users").await;
        self.expect("an account is gone", page.is_some_and(|page| page.entries.len() + page.unreadable.len() == all));

        let query = MenuItemsQuery { include_inactive: true, category: None, name_like: None, after: None, limit };
        let page = self.note("menu items", shop.menu.items(query.clone()).await);
        let all = self.count("SELECT count(*) FROM menu_items WHERE archived_at IS NULL").await;
        self.expect("a menu item is gone", page.is_some_and(|page| page.entries.len() + page.unreadable.len() == all));
        let searched = MenuItemsQuery { name_like: Some("item".to_owned()), ..query };
        self.note("search", shop.menu.items(searched).await);
        let whole = self.note("menu", shop.menu.whole().await);
        self.expect("the menu is short", whole.is_some_and(|menu| menu.items.len() + 1 >= all));

        let query = SuppliesQuery { name_like: None, after: None, limit };
        let page = self.note("supplies", shop.supplies.supplies(query).await);
        let all = self.count("SELECT count(*) FROM supplies WHERE archived_at IS NULL").await;
        self.expect("a supply is gone", page.is_some_and(|page| page.entries.len() + page.unreadable.len() == all));
        let listing = self.note("all supplies", shop.supplies.listing().await);
        self.expect("supplies are gone", listing.is_some_and(|all_of| all_of.supplies.len() + 1 >= all));

        let query = OrdersQuery { scope: OrderScope::All, criteria: OrderCriteria::default(), after: None, limit };
        let page = self.note("orders", shop.orders.list(query).await);
        let all = self.count("SELECT count(*) FROM orders").await;
        self.expect(
            "an order is gone",
            page.flatten().is_some_and(|page| page.entries.len() + page.unreadable.len() == all),
        );

        self.read_orders_one_by_one().await;

        let page = self.note("audit log", self.audit_log.entries(AuditQuery { limit, ..AuditQuery::default() }).await);
        let all = self.count("SELECT count(*) FROM audit_log").await;
        self.expect("a record is gone", page.is_some_and(|page| page.entries.len() + page.unreadable.len() == all));
        self.note("the newest record", self.audit_log.newest().await);

        let query = SessionsQuery { account_id: shop.customer.id, now: now(), before: None, limit };
        let page = self.note("sessions", self.sessions.list(query).await);
        self.expect("other sessions are gone", page.is_some_and(|page| page.entries.len() >= 2));
        self.note("flags", self.flags.all().await);
        self.note("dead letters", self.outbox.dead_letters(None, limit).await);
        self.note("card payments", self.payments.card_payments(Timestamp::UNIX_EPOCH, None, 100).await);
    }

    /// However they are asked for, each comes once, and there is an end. What cannot be read may be left out by time or
    /// number, which are perhaps what cannot be read.
    async fn read_orders_one_by_one(&mut self) {
        let (all, limit) = (self.count("SELECT count(*) FROM orders").await, PageLimit::new(1).unwrap());
        let number = self.tables.query_one("SELECT min(number) FROM orders", &[]).await.unwrap().get::<_, i64>(0);
        let number = u64::try_from(number).ok().map(|number| OrderNumber::new(number).called());
        let (long_ago, some_day) = (now() - chrono::TimeDelta::days(9), now() + chrono::TimeDelta::days(9));
        let any = OrderCriteria::default();
        for (criteria, least) in [
            (any, all),
            (OrderCriteria { created_from: Some(long_ago), ..any }, all - 1),
            (OrderCriteria { created_to: Some(some_day), ..any }, all - 1),
            (OrderCriteria { created_from: Some(long_ago), created_to: Some(some_day), ..any }, all - 1),
            (OrderCriteria { number, ..any }, 0),
        ] {
            let (mut found, mut after) = (0, None);
            for pages in 0.. {
                let query = OrdersQuery { scope: OrderScope::All, criteria, after, limit };
                let page = self.note(format_args!("{criteria:?}"), self.shop.orders.list(query).await);
                let Some(page) = page.flatten() else { break };
                found += page.entries.len() + page.unreadable.len();
                after = page.next;
                if after.is_none() || pages > all + 1 {
                    self.expect(format_args!("{criteria:?} has no end"), after.is_none());
                    break;
                }
            }
            self.expect(format_args!("{criteria:?}: {found} orders of {all}"), (least..=all).contains(&found));
        }
    }

    /// Whoever asks for a mail gets it, or is told that there were too many.
    async fn ask_for_mails(&mut self) {
        let accounts = self.ids("users").await.into_iter().map(comanda_domain::AccountId::new);
        for account in accounts {
            match self.mails.request_verification(account, now(), None).await {
                Ok(_) | Err(RequestMailError::TooMany { .. } | RequestMailError::NotFound) => {}
                Err(RequestMailError::Unavailable(error)) => {
                    self.note::<(), _>("a verification", Err(error));
                }
                Err(error) => self.complaints.push(error.to_string()),
            }
        }
        for name in ["ana", "ben", "eve"] {
            let email = comanda_domain::Email::new(&format!("{name}@example.org")).unwrap();
            self.note("a password reset", self.mails.request_password_reset(&email, now()).await);
            for event in [1, 2] {
                self.note("a mail", self.mails.admit(event, self.shop.customer.id, &email, now()).await);
            }
        }
    }

    async fn read_records(&mut self) {
        let shop = self.shop;
        let orders: Vec<_> = self.ids("orders").await.into_iter().map(comanda_domain::OrderId::new).collect();
        for id in &orders {
            self.note("an order", shop.orders.find(*id, OrderScope::All).await);
        }
        let lines = self.note("lines", shop.orders.lines_of(&orders).await);
        self.expect("lines are gone", lines.is_some_and(|lines| lines.len() == orders.len()));
        self.note("payments", self.payments.of_orders(&orders).await);
        for id in self.ids("menu_items").await {
            self.note("a menu item", shop.menu.item(comanda_domain::MenuItemId::new(id)).await);
        }
        let limit = PageLimit::LARGEST;
        let stations = self.note("stations", shop.stations().list(StationsQuery { after: None, limit }).await);
        let all = self.count("SELECT count(*) FROM kitchen_stations WHERE archived_at IS NULL").await;
        self.expect(
            "a station is gone",
            stations.is_some_and(|page| page.entries.len() + page.unreadable.len() == all),
        );
        let query = TicketsQuery { criteria: TicketCriteria::default(), after: None, limit };
        let tickets = self.note("tickets", shop.tickets().list(query).await);
        let all = self.count("SELECT count(*) FROM kitchen_tickets JOIN orders o ON o.id = order_id").await;
        self.expect("a ticket is gone", tickets.is_some_and(|page| page.entries.len() + page.unreadable.len() == all));
        for id in self.ids("supplies").await {
            self.note("a supply", shop.supplies.supply(comanda_domain::SupplyId::new(id)).await);
        }
        let accounts: Vec<_> = self.ids("users").await.into_iter().map(comanda_domain::AccountId::new).collect();
        self.note("accounts by id", shop.accounts.find_many(&accounts).await);
        for name in ["ana", "ben", "eve"] {
            let email = comanda_domain::Email::new(&format!("{name}@example.org")).unwrap();
            self.note("credentials", shop.accounts.credentials(&email).await);
        }
        for id in self.ids("sessions").await {
            self.note("a session", self.sessions.renew(SessionId::new(id), now(), now()).await);
        }
        let period = Period::new(now() - chrono::TimeDelta::days(2), now() + chrono::TimeDelta::days(2)).unwrap();
        self.note("sales", self.sales.sales(&[period]).await);
        self.note("top items", self.sales.top_items(period, PageLimit::default()).await);
        let items: Vec<_> = self.ids("menu_items").await.into_iter().map(comanda_domain::MenuItemId::new).collect();
        self.note("sold options", self.sales.sold_options(period, &items).await);
    }

    async fn run_workers(&mut self, knows_events: bool) {
        let terms =
            PaymentTerms { card: std::time::Duration::from_mins(15), unpaid: std::time::Duration::from_hours(1) };
        if knows_events {
            let batch = self.outbox.next(KITCHEN, 100).await;
            self.note("events", batch);
        }
        self.note("due events", self.outbox.take_due(KITCHEN, 100).await);
        for _ in 0..3 {
            self.note("due mails", self.mails.take_due(now(), 3).await);
        }
        // Without its subscriber, nothing more is to be read.
        for what in Perishable::ALL.into_iter().filter(|what| *what != Perishable::Subscribers) {
            self.note(format_args!("old {what:?}"), self.retention.delete(what, Duration::ZERO, 1).await);
        }
        let events = self.note("gateway events", self.payments.take_events(&[], 100).await);
        self.expect("gateway events are gone", events.is_some_and(|events| events.len() >= 2));
        self.note("due refunds", self.payments.take_due_refunds(100).await);
        self.note("cancellations", self.payments.take_cancellations(100).await);
        let refund_id = RefundId::new(Uuid::now_v7());
        self.note("overdue orders", self.shop.orders.cancel_overdue(terms, now(), refund_id).await);
        self.note("summaries", self.sales.summarize().await);
    }
}

/// Three records of each kind at least.
async fn fill(shop: &Shop, tables: &Client) {
    let payments = PostgresPayments::new(shop.pool.clone());
    for name in ["ben", "eve"] {
        shop.accounts.register(new_account(&format!("{name}@example.org"))).await.unwrap();
    }
    let staff = Actor { account_id: shop.customer.id, role: Role::Staff, session_id: SessionId::new(Uuid::nil()) };
    let staff = staff.as_staff().unwrap();
    for n in 0..3 {
        shop.supply(&format!("Supply {n}"), 100).await;
        let category = format!("Category {n}");
        let station = shop.station(&format!("Station {n}"), &[&category]).await;
        let item = shop.item_at_station(&station).await;
        let order_id = shop.orders.place(shop.order(&[(&item, 2)])).await.unwrap().outcome.order.id;
        shop.orders.advance(order_id, comanda_domain::OrderStatus::Accepted, now(), None).await.unwrap();
        let payment = NewPayment {
            id: PaymentId::new(Uuid::now_v7()),
            order_id,
            scope: OrderScope::All,
            method: PaymentMethod::Card,
            begun_at: now(),
            expires_at: now() + chrono::TimeDelta::minutes(15),
            chargeable: Some(ChargeableAmounts::all(Currency::EUR)),
            idempotency: None,
        };
        payments.begin(payment.clone()).await.unwrap();
        let report = IntentReport {
            intent: comanda_domain::IntentId(format!("pi_{n}")),
            payment_id: Some(payment.id),
            state: comanda_domain::IntentState::Succeeded,
            received: None,
            at: now(),
        };
        payments.record_intent(report, RefundId::new(Uuid::now_v7())).await.unwrap();
        let refund = NewRefund {
            id: RefundId::new(Uuid::now_v7()),
            order_id,
            payment_id: payment.id,
            amount: None,
            chargeable: Some(ChargeableAmounts::all(Currency::EUR)),
            reason: Reason::new("cold").unwrap(),
            requested_by: staff,
            requested_at: now(),
        };
        payments.refund(refund, None).await.unwrap();
        let event = InboxEvent { id: format!("evt_{n}"), body: "{}".to_owned() };
        payments.receive(event, now()).await.unwrap();
    }
    let customer = shop.customer.id;
    tables
        .batch_execute(&format!(
            "SET session_replication_role = replica; \
             INSERT INTO sessions (id, account_id, opened_at, expires_at, client, network, idle_at) \
             SELECT gen_random_uuid(), '{customer}', now(), now() + interval '1 day', 'a client', '192.0.2.0/24', \
                    now() + interval '1 hour' FROM generate_series(1, 3); \
             INSERT INTO feature_flags (name, percentage) \
             SELECT name, 50 FROM unnest(ARRAY['some', 'other', 'third']) name ON CONFLICT DO NOTHING; \
             INSERT INTO payment_incidents (id, payment_id, amount, opened_at, reported_at, kind, currency, status, reason) \
             SELECT 'dp_' || id, id, 1, now(), now(), 'dispute', 'EUR', 'won', 'fraud' FROM payments; \
             UPDATE payments SET call_off = true; \
             INSERT INTO outbox_retries (subscriber, event_id, stream_id, next_at, is_dead, last_error) \
             SELECT '{KITCHEN}', id, coalesce(stream_id, subject_id), now(), false, 'refused' FROM outbox_events; \
             UPDATE outbox_retries SET is_dead = true WHERE id = (SELECT min(id) FROM outbox_retries)"
        ))
        .await
        .unwrap();
    let checks = "SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint \
                  WHERE contype = 'c' AND connamespace = 'public'::regnamespace";
    for check in tables.query(checks, &[]).await.unwrap() {
        let (table, name): (String, String) = (check.get(0), check.get(1));
        tables.batch_execute(&format!("ALTER TABLE {table} DROP CONSTRAINT {name}")).await.unwrap();
    }
    for table in TABLES {
        tables.batch_execute(&format!("CREATE TEMP TABLE saved_{table} AS SELECT * FROM {table}")).await.unwrap();
    }
}

async fn restore(tables: &Client) {
    for table in TABLES {
        let sql =
            format!("DELETE FROM {table}; INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM saved_{table}");
        tables.batch_execute(&sql).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_one_column_of_one_record_holds_is_no_outage() {
    let shop = Shop::open().await;
    let tables = shop.database.client().await;
    fill(&shop, &tables).await;
    let (mut readers, mut random) = (Readers::of(&shop, &tables), seeded());
    let columns = "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns \
                   WHERE table_schema = 'public' ORDER BY 1, 2";
    let mut complaints = Vec::new();
    for column in tables.query(columns, &[]).await.unwrap() {
        let (table, name, data_type): (String, String, String) = (column.get(0), column.get(1), column.get(2));
        // The place of an event in the order of all events is the system's own.
        if !TABLES.contains(&table.as_str()) || name == "transaction_id" || (name == "id" && data_type == "bigint") {
            continue;
        }
        // An index has its negative, and refuses what has none.
        if (table.as_str(), name.as_str()) == ("outbox_retries", "event_id") {
            continue;
        }
        for value in odd_values(&data_type) {
            if !is_always_tried(&name, &data_type, value) && random.random_bool(0.95) {
                continue;
            }
            restore(&tables).await;
            let corrupt = format!(
                "UPDATE {table} SET {name} = {value} WHERE ctid = (SELECT ctid FROM {table} ORDER BY ctid OFFSET 1 LIMIT 1)"
            );
            if let Err(error) = tables.batch_execute(&corrupt).await {
                panic!("{corrupt}: {error}");
            }
            readers.read_lists().await;
            readers.read_records().await;
            readers.ask_for_mails().await;
            // An event of an unknown kind is left for a newer server.
            readers.run_workers((table.as_str(), name.as_str()) != ("outbox_events", "kind")).await;
            complaints
                .extend(readers.complaints.drain(..).map(|complaint| format!("{table}.{name} = {value}: {complaint}")));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
