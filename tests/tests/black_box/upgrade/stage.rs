use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use comanda_tests::{Client, EventSink, PASSWORD, PythonProgram, Response, TestDatabase, TestServer, redis_url};
use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::mail::{subject, token};

const ADMIN: (&str, &str) = ("admin@comanda.example", "a password of the tests");
const STRIPE_KEY: &str = "sk_test_of_nobody";
pub(super) const STRIPE_SECRET: &str = "whsec_of_the_endpoint";

/// Events that servers are to record are looked for this long. Leases of what a stopped server had begun run out
/// meanwhile.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// The server that gets the first request about something, and the one that gets the next.
#[derive(Clone, Copy)]
pub(super) struct Servers<'a> {
    pub(super) here: &'a str,
    pub(super) there: &'a str,
}

impl Servers<'_> {
    pub(super) fn swapped(self) -> Self {
        Self { here: self.there, there: self.here }
    }
}

/// What servers of both releases share.
pub(super) struct Stage {
    old: String,
    database: TestDatabase,
    redis_url: String,
    stripe: PythonProgram,
    sink: EventSink,
    mails: PathBuf,
    admin: OnceCell<Client>,
    /// Menu items with their stock, and what orders hold of it.
    shelf: Mutex<HashMap<Uuid, i64>>,
    orders: Mutex<Vec<String>>,
    disputes: Mutex<Vec<String>>,
    /// Whether the tables have this release's form.
    is_migrated: AtomicBool,
}

impl Stage {
    pub(super) const STOCK: i64 = 10_000;

    pub(super) async fn open() -> Self {
        let old = std::env::var("TEST_OLD_COMANDA").expect("the last release: run `cargo xtask upgrade`");
        let mails = std::env::temp_dir().join(format!("comanda-upgrade-{}", Uuid::now_v7().simple()));
        let stage = Self {
            old,
            database: TestDatabase::unprepared().await,
            redis_url: redis_url().await,
            stripe: PythonProgram::localstripe(),
            sink: EventSink::open().await,
            mails,
            admin: OnceCell::new(),
            shelf: Mutex::default(),
            orders: Mutex::default(),
            disputes: Mutex::default(),
            is_migrated: AtomicBool::new(false),
        };
        stage.migrate_by(Some(&stage.old)).await;
        let create = comanda_tests::comanda_of(&stage.old, &stage.database.server_url, &stage.redis_url)
            .args(["admin", "create"])
            .env("ADMIN_EMAIL", ADMIN.0)
            .env("ADMIN_PASSWORD", ADMIN.1)
            .output()
            .expect("comanda runs");
        assert!(create.status.success(), "{create:?}");
        stage
    }

    /// Brings the tables to this release's form.
    pub(super) async fn migrate(&self) {
        self.migrate_by(None).await;
        self.is_migrated.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_migrated(&self) -> bool {
        self.is_migrated.load(Ordering::SeqCst)
    }

    async fn migrate_by(&self, program: Option<&str>) {
        let (url, redis) = (&self.database.server_url, &self.redis_url);
        let mut command = match program {
            Some(program) => comanda_tests::comanda_of(program, url, redis),
            None => comanda_tests::comanda(url, redis),
        };
        command.arg("migrate").env("MIGRATION_DATABASE_URL", &self.database.url);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().expect("comanda runs");
        assert!(output.status.success(), "{output:?}");
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let settings = [
            ("MODE", "development"),
            ("PAYMENT_GATEWAY", "stripe"),
            ("STRIPE_SECRET_KEY", STRIPE_KEY),
            ("STRIPE_WEBHOOK_SECRETS", STRIPE_SECRET),
            ("WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            ("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8"),
            ("INSECURE_COOKIES", "true"),
            // A busy machine is slow, and this is not about that.
            ("DATABASE_POOL_SIZE", "30"),
            ("DATABASE_RESERVED_FOR_WRITES", "15"),
            ("DATABASE_WAIT_MS", "10000"),
            ("DATABASE_READ_LIMIT_MS", "10000"),
            ("DATABASE_REPORT_LIMIT_MS", "10000"),
            ("REQUEST_TIMEOUT_MS", "20000"),
            ("PASSWORD_TIMEOUT_MS", "30000"),
        ];
        let mut settings: Vec<_> = settings.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        settings.push(("STRIPE_API_URL", format!("http://{}", self.stripe.address)));
        settings.push(("WEBHOOK_URLS", self.sink.url.clone()));
        settings.push(("MAIL_FOLDER", self.mails.display().to_string()));
        settings
    }

    pub(super) async fn start_old(&self) -> TestServer {
        self.start("old", &self.old, &[]).await
    }

    pub(super) async fn start_new(&self) -> TestServer {
        self.start("new", &comanda_tests::program(), &[]).await
    }

    /// One of this release that cannot reach the gateway.
    pub(super) async fn start_cut_off(&self) -> TestServer {
        self.start("cut_off", &comanda_tests::program(), &[("STRIPE_API_URL", "http://127.0.0.1:1")]).await
    }

    /// The gateway sends what happens to all of them.
    async fn start(&self, name: &str, program: &str, others: &[(&str, &str)]) -> TestServer {
        let settings = self.settings();
        let mut settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        settings.extend(others);
        let server = TestServer::start_of(program, &self.database.server_url, &self.redis_url, &settings);
        let url = format!("{}/v1/webhooks/stripe", server.base_url);
        self.stripe(&format!("/_config/webhooks/{name}"), &[("url", &url), ("secret", STRIPE_SECRET)]).await;
        server
    }

    /// Stops a server as an upgrade does. It must not have complained of anything.
    pub(super) async fn stop(&self, name: &str, server: TestServer) {
        let nowhere = [("url", "http://127.0.0.1:1/"), ("secret", STRIPE_SECRET)];
        self.stripe(&format!("/_config/webhooks/{name}"), &nowhere).await;
        let stopping = tokio::task::spawn_blocking(move || {
            let mut server = server;
            server.signal(Signal::SIGTERM);
            (server.wait(), server.log())
        });
        let (status, log) = stopping.await.unwrap();
        assert!(status.success(), "the {name} server ended with {status}: {log:#?}");
        let complaints: Vec<_> = log.iter().filter(|line| is_complaint(line)).collect();
        assert!(complaints.is_empty(), "the {name} server complained: {complaints:#?}");
    }

    /// Sends a request to the gateway, as a customer's browser does.
    pub(super) async fn stripe(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let body: Vec<String> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = reqwest::Client::new().post(format!("http://{}{path}", self.stripe.address));
        let request = request.bearer_auth(STRIPE_KEY).header("content-type", "application/x-www-form-urlencoded");
        serde_json::from_str(&request.body(body.join("&")).send().await.unwrap().text().await.unwrap())
            .unwrap_or(Value::Null)
    }

    pub(super) async fn refunded_at_gateway(&self, intent: &str) -> i64 {
        let url = format!("http://{}/v1/refunds?payment_intent={intent}", self.stripe.address);
        let text = reqwest::Client::new().get(url).bearer_auth(STRIPE_KEY).send().await.unwrap().text().await.unwrap();
        let refunds: Value = serde_json::from_str(&text).unwrap();
        refunds["data"].as_array().unwrap().iter().map(|refund| refund["amount"].as_i64().unwrap()).sum()
    }

    /// The one admin, whose session every server accepts.
    pub(super) async fn admin(&self, base_url: &str) -> Client {
        let sign_in = || async { Client::anonymous(base_url).log_in(ADMIN.0, ADMIN.1).await };
        self.admin.get_or_init(sign_in).await.at(base_url)
    }

    /// Registers an account whose address counts as verified; returns the address.
    pub(super) async fn account(&self, base_url: &str) -> String {
        let email = format!("{}@example.org", Uuid::now_v7().simple());
        let body = json!({ "email": email, "password": PASSWORD, "name": "Ana" });
        Client::anonymous(base_url).post("/v1/users", &body).await.expect(201);
        let verify = "UPDATE users SET email_verified_at = now() WHERE email = $1";
        self.database.client().await.execute(verify, &[&email]).await.expect("the account");
        email
    }

    /// A menu item of [`Self::STOCK`], at 9.90 €.
    pub(super) async fn item(&self, admin: &Client) -> Uuid {
        let body = json!({
            "name": format!("Menu item {}", Uuid::now_v7().simple()), "category": "Tests", "stock": Self::STOCK,
            "price": { "amount": 990, "currency": "EUR" },
        });
        let item = admin.post("/v1/menu/items", &body).await.expect(201);
        let item: Uuid = item["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        self.hold(item, 0);
        item
    }

    /// Takes note of stock that orders hold, or give back.
    pub(super) fn hold(&self, item: Uuid, quantity: i64) {
        *self.shelf.lock().unwrap().entry(item).or_default() += quantity;
    }

    pub(super) fn placed(&self, order: &str) {
        self.orders.lock().unwrap().push(order.to_owned());
    }

    pub(super) fn disputed(&self, dispute: &str) {
        self.disputes.lock().unwrap().push(dispute.to_owned());
    }

    pub(super) fn orders(&self) -> Vec<String> {
        self.orders.lock().unwrap().clone()
    }

    /// The token in the last mail to an address.
    pub(super) async fn mailed_token(&self, email: &str, about: &str) -> String {
        let begin = Instant::now();
        loop {
            let letters = std::fs::read_dir(&self.mails).into_iter().flatten().flatten();
            let letters = letters.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "eml"));
            let letters = letters.filter_map(|path| std::fs::read_to_string(path).ok());
            let to = format!("To: {email}\r\n");
            let mut letters = letters.filter(|letter| letter.contains(&to) && subject(letter) == about);
            if let Some(letter) = letters.next() {
                return token(&letter);
            }
            assert!(begin.elapsed() < PATIENCE, "{about:?} does not arrive");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the delivery to the receiver of webhooks has begun: it gets the events from then on.
    pub(super) async fn until_subscribed(&self) {
        self.until("SELECT (count(*) = 0)::int::bigint FROM outbox_subscribers WHERE name <> 'mail'").await;
    }

    /// Waits until the receiver has got every event.
    pub(super) async fn until_delivered(&self) {
        let count = "SELECT count(*) FROM outbox_events";
        let begin = Instant::now();
        loop {
            let taken = self.sink.taken();
            let taken: HashSet<_> = taken.iter().filter_map(|event| event["id"].as_str()).collect();
            let written = self.database.number(count).await;
            if i64::try_from(taken.len()).unwrap() == written {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "{} of {written} events were delivered", taken.len());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until nothing is left to do: for the gateway, for the mail, and in the books of disputes.
    pub(super) async fn until_idle(&self) {
        self.until("SELECT count(*) FROM gateway_events WHERE handled_at IS NULL").await;
        self.until("SELECT count(*) FROM refunds WHERE status = 'pending'").await;
        self.until("SELECT count(*) FROM mails WHERE next_at IS NOT NULL").await;
        self.until("SELECT count(*) FROM outbox_retries").await;
        let disputes = self.disputes.lock().unwrap().join("', '");
        let missing = format!(
            "SELECT count(*) FROM unnest(ARRAY['{disputes}']) AS dispute \
             WHERE NOT EXISTS (SELECT FROM payment_incidents WHERE id = dispute)"
        );
        self.until(&missing).await;
    }

    /// Waits until this counts nothing.
    async fn until(&self, count: &str) {
        let begin = Instant::now();
        loop {
            let left = self.database.number(count).await;
            if left == 0 {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "{left} are left: {count}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Compares the tables with what was done.
    pub(super) async fn close(self) {
        let tables = self.database.client().await;
        let counted = self.shelf.lock().unwrap().clone();
        for (item, held) in counted {
            let stock: i64 =
                tables.query_one("SELECT stock::bigint FROM menu_items WHERE id = $1", &[&item]).await.unwrap().get(0);
            assert_eq!(stock, Self::STOCK - held, "the stock of {item}");
        }
        let mut placed = self.orders();
        let stored = tables.query("SELECT id::text FROM orders", &[]).await.unwrap();
        let mut stored: Vec<String> = stored.iter().map(|row| row.get(0)).collect();
        placed.sort();
        stored.sort();
        assert_eq!(placed, stored, "orders");
        for wrong in [
            "SELECT count(*) FROM outbox_retries",
            "SELECT count(*) FROM gateway_events WHERE malformed IS NOT NULL OR unknown_kind <> 'payout.paid'",
            "SELECT count(*) FROM payments WHERE status = 'failed'",
            "SELECT count(*) FROM refunds WHERE status <> 'succeeded'",
        ] {
            assert_eq!(self.database.number(wrong).await, 0, "{wrong}");
        }
        for program in [self.old.as_str(), &comanda_tests::program()] {
            let mut check = comanda_tests::comanda_of(program, &self.database.server_url, &self.redis_url);
            let check = check.arg("check").output().expect("comanda runs");
            assert!(check.status.success(), "{program}: {}", String::from_utf8_lossy(&check.stdout));
        }
        assert_eq!(self.database.deadlocks().await, 0, "deadlocks");
        let _ = std::fs::remove_dir_all(&self.mails);
    }
}

/// Errors, but for those that the requests are meant to cause: the last release marks records of the audit log that it
/// does not know, and may be kept from cancelling and summarizing orders with choices, and this one wants somebody to
/// look into disputes.
fn is_complaint(line: &str) -> bool {
    let is_of_audit_log = line.contains("a record is unreadable") && line.contains("\"table\":\"audit_log\"");
    let is_dispute = line.contains("a customer disputes a card payment");
    let is_choice = line.contains("supplies_are_given_back") || line.contains("choices_are_summarized");
    let is_choice = is_choice || line.contains("than a server of the release before would give back");
    let is_choice = is_choice || line.contains("a server of the release before cannot count what was chosen");
    line.contains("\"level\":\"ERROR\"") && !is_of_audit_log && !is_dispute && !is_choice
}

pub(super) async fn post_under_key(client: &Client, path: &str, key: &str, body: &Value) -> Response {
    Client::send(client.request(Method::POST, path).header("idempotency-key", key).json(body)).await
}

/// Sends the same request to two servers, one after the other: the second gives the first one's response.
pub(super) async fn post_twice(here: &Client, there: &Client, path: &str, body: &Value, status: u16) -> Value {
    let key = Uuid::now_v7().to_string();
    let first = post_under_key(here, path, &key, body).await;
    let document = first.expect(status);
    let second = post_under_key(there, path, &key, body).await;
    assert_eq!((second.status, &second.text), (status, &first.text), "the response of another server to {path}");
    document
}

/// Repeats a request until the response is as expected: servers hear of each other's changes soon, not at once.
pub(super) async fn until<F: Future<Output = Response>>(
    what: &str,
    ask: impl Fn() -> F,
    is_expected: impl Fn(&Response) -> bool,
) -> Response {
    let begin = Instant::now();
    loop {
        let response = ask().await;
        assert!(response.status < 500, "{what}: {}", response.text);
        if is_expected(&response) {
            return response;
        }
        assert!(begin.elapsed() < PATIENCE, "{what}: {} {}", response.status, response.text);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
