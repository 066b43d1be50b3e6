//! Every setting, its default and its meaning, in one place.

use std::fmt::Write;

/// Something an operator can set, by an environment variable of this name, by a variable `<NAME>_FILE` that names a file holding
/// the value, or in the configuration file under the name in lower case.
#[derive(Debug)]
pub struct Setting {
    pub name: &'static str,
    /// `None`: must be set.
    pub default: Option<&'static str>,
    pub meaning: &'static str,
}

macro_rules! settings {
    ($($name:ident = $default:expr, $meaning:literal;)+) => {
        $(pub const $name: Setting = Setting { name: stringify!($name), default: $default, meaning: $meaning };)+
        /// All of them.
        pub const SETTINGS: &[Setting] = &[$($name),+];
    };
}

settings! {
    DATABASE_URL = None, "Where PostgreSQL is: `postgres://user:password@host:port/database`. With several, of which one takes writes at a time: `…@first:5432,second:5432/database?target_session_attrs=read-write`.";
    DATABASE_REPLICA_URL = Some(""), "A streaming replica that lists, searches and reports are read from while it keeps up; none unless given.";
    DATABASE_REPLICA_LAG_MS = Some("1000"), "How far behind it may be; otherwise all is read from the primary.";
    DATABASE_POOL_SIZE = Some("10"), "The most connections a server opens, at least 2; placing orders has one more of its own.";
    DATABASE_RESERVED_FOR_WRITES = Some("4"), "So many of them are for what changes something and for signing in, so that no flood of reads can stop it.";
    DATABASE_FREE_FOR_READS = Some("2"), "Reports give way, with 503, when fewer of the others would be free.";
    DATABASE_READ_LIMIT_MS = Some("1000"), "How long a read may take, waiting for a connection included.";
    DATABASE_REPORT_LIMIT_MS = Some("3000"), "How long a report may take, likewise.";
    DATABASE_WAIT_MS = Some("2000"), "How long a request waits for a free connection, in milliseconds.";
    MIGRATE_ON_START = Some("true"), "Whether `comanda serve` brings the database up to date first.";
    REDIS_URL = None, "Where Redis is: `redis://:password@host:port/number`.";
    REDIS_POOL_SIZE = Some("10"), "The most connections a server opens to Redis, at least 2: one listens for closed sessions. News of the menu have one more of their own.";
    BIND_ADDR = Some("127.0.0.1:8080"), "Where the server listens.";
    METRICS_ADDR = Some(""), "Where Prometheus can read `/metrics`, such as `127.0.0.1:9090`; nowhere unless given.";
    WORKERS = Some("2"), "Threads that serve HTTP.";
    CURRENCY = Some("EUR"), "The deployment's one currency (ISO 4217). Stored prices are bare minor units: never change it later.";
    CORS_ORIGINS = Some(""), "Origins whose pages may call the API, separated by commas, such as `https://shop.example`.";
    CONCURRENT_REQUESTS = Some("1024"), "Requests a server works on at the same time; one more is answered with 503 at once, rather than all of them late. Health is always told.";
    REQUEST_TIMEOUT_MS = Some("5000"), "After this a request that changes something is answered with 503, whatever it is doing; reads have limits of their own.";
    PASSWORD_TIMEOUT_MS = Some("10000"), "The same for what checks or hashes a password, which may have to wait for its turn.";
    SHUTDOWN_TIMEOUT_MS = Some("15000"), "How long requests in flight may take to finish when the server is told to stop.";
    SECRET_KEY = None, "At least 32 random characters, the same on every server; keys for signing cursors are derived from it.";
    JWT_SIGNING_KEY = None, "An Ed25519 private key (PKCS #8 PEM) that signs access tokens, the same on every server: `comanda keys generate`.";
    JWT_ISSUER = Some("comanda"), "The `iss` of access tokens.";
    JWT_AUDIENCE = Some("comanda"), "The `aud` of access tokens.";
    JWT_VERIFICATION_KEYS = Some(""), "Ed25519 keys (PEM, public or private, one after the other) whose tokens are still accepted after `JWT_SIGNING_KEY` was replaced.";
    ACCESS_TOKEN_SECONDS = Some("900"), "How long an access token is good.";
    SESSION_DAYS = Some("30"), "How long a client's session can be continued by refresh tokens.";
    REFRESH_GRACE_SECONDS = Some("10"), "For so long after its use a refresh token may come back with a client's own parallel request.";
    BROWSER_SESSION_HOURS = Some("12"), "How long a browser's session lasts.";
    INSECURE_COOKIES = Some("false"), "Session cookies without `Secure` and the `__Host-` prefix: only for plain http on localhost.";
    LOCKOUT_FREE_FAILURES = Some("5"), "Wrong passwords that lock an address for the first time. With 0, as with 1, the first does.";
    LOCKOUT_WINDOW_SECONDS = Some("86400"), "Those count together while they lie within this.";
    LOCKOUT_STEPS_SECONDS = Some("60,300,900,3600"), "How long the first lock lasts, the second, the third, and every further one.";
    LOCKOUT_QUIET_SECONDS = Some("86400"), "After so long without a wrong password everything is forgotten.";
    LOCKOUT_PATIENCE_MS = Some("6000"), "How long a sign-in waits for others of the same address that are being checked.";
    ADDRESS_LIMIT_BURST = Some("60"), "How many sign-ins, registrations and refreshes (each counted by itself) one client address may try at once.";
    ADDRESS_LIMIT_PER_MINUTE = Some("60"), "How many more it may try each minute.";
    TRUSTED_PROXIES = Some(""), "Networks of proxies whose `X-Forwarded-For` is believed, separated by commas, such as `10.0.0.0/8`.";
    PASSWORD_THREADS = Some("2"), "Passwords hashed at the same time; each takes 19 MiB and some 20 ms of a core.";
    PASSWORD_QUEUE = Some("200"), "Passwords that may wait for a thread; one more is answered with 503 at once.";
    PLACEMENT_QUEUE = Some("1024"), "Orders that may wait for a transaction; one more is answered with 503 at once.";
    PLACEMENT_BATCH = Some("256"), "The most orders that share a transaction.";
    PLACEMENT_DEADLINE_MS = Some("5000"), "From accepting an order to its answer; also the limit of every transaction. `REQUEST_TIMEOUT_MS` ends both a little before itself.";
    BREAKER_ORDER_CREATE = Some(""), "When the circuit breaker of placing orders opens and how it closes, where it differs from window_ms=10000 window_calls=100 minimum_calls=20 failure_percent=50 slow_percent=80 slow_call_ms=2000 first_wait_ms=1000 longest_wait_ms=3000 probes=3 probe_limit_ms=6000.";
    BREAKER_ORDER_UPDATE = Some(""), "The same of cancelling and advancing orders.";
    BREAKER_ORDER_LOOKUP = Some(""), "The same of reading orders.";
    BREAKER_PAYMENT_CREATE = Some(""), "The same of beginning payments.";
    BREAKER_STRIPE = Some(""), "The same of the payment gateway.";
    BREAKER_NOTIFICATIONS = Some("longest_wait_ms=30000"), "The same of mail and webhooks, for which nobody waits.";
    BREAKER_USER_CREATE = Some(""), "The same of registering.";
    BREAKER_AUTH_LOOKUP = Some(""), "The same of looking up who signs in.";
    MENU_CACHE_SECONDS = Some("300"), "How long copies of the menu live, give or take a tenth. Changes are shown at once, this is for what nobody heard of.";
    MENU_STALE_SECONDS = Some("3600"), "For so long after that a copy is shown while PostgreSQL is out of reach.";
    FLAG_MENU_CACHE = Some("100"), "The percentage of readings of the menu that are answered from copies, until an admin sets the flag `menu-cache`.";
    FLAG_PARTIAL_INVALIDATION = Some("0"), "The percentage of menu items whose change renews their own entry in Redis only, until an admin sets the flag `menu-cache.partial-invalidation`.";
    MODE = Some("production"), "`production`, or `development`, where payments may be played offline and mails written to a folder.";
    PAYMENT_GATEWAY = Some("none"), "Who takes cards: `stripe`; `none`: orders are paid at the counter; or, in development, `offline`, where test cards pay and no money moves.";
    PAYMENT_WINDOW_SECONDS = Some("900"), "How long an order waits for its customer's card before it is cancelled and its stock returned.";
    STRIPE_SECRET_KEY = Some(""), "Stripe's `sk_…`.";
    STRIPE_WEBHOOK_SECRETS = Some(""), "`whsec_…` of the endpoint `/v1/webhooks/stripe`; while one is being replaced both, separated by commas.";
    STRIPE_API_URL = Some("https://api.stripe.com"), "Where Stripe's API is.";
    STRIPE_TIMEOUT_MS = Some("4000"), "How long an answer of Stripe's may take.";
    MAIL_URL = Some(""), "The mail server that writes to customers: `smtp://user:password@host:587?tls=required` or `smtps://…`; nobody is written to unless given.";
    MAIL_FOLDER = Some(""), "In development: a folder that mails are written to instead.";
    MAIL_FROM = Some("Comanda <orders@comanda.invalid>"), "Who writes.";
    MAIL_LANGUAGE = Some("en"), "What customers are written in: `en` or `de`.";
    WEBHOOK_URLS = Some(""), "Whom to tell of what happens, by signed CloudEvents; addresses separated by commas.";
    WEBHOOK_SECRET = Some(""), "`whsec_…`, 24 to 64 random bytes in base64 (Standard Webhooks), that signs them.";
    WEBHOOK_ALLOWED_NETWORKS = Some(""), "Networks that webhooks may reach although they are not public, separated by commas, such as `10.1.0.0/16`; within them http will do.";
    EVENT_SOURCE = Some("/comanda"), "The `source` of events: which restaurant tells.";
    NOTIFY_TIMEOUT_MS = Some("5000"), "How long a mail server or a webhook may take.";
    OUTBOX_PER_SECOND = Some("3000"), "How many events a receiver is told a second at most: neither it nor those who order meanwhile should feel a rush of them.";
    OUTBOX_FIRST_PAUSE_MS = Some("1000"), "The pause after the first failed delivery of an event; it doubles up to ten minutes.";
    OUTBOX_ATTEMPTS = Some("12"), "After so many failures an event is put aside, where an admin can have it tried again.";
    LOG = Some("info"), "What is logged, as `tracing` filter directives: `warn`, `info,comanda_postgres=debug`.";
    LOG_FORMAT = Some("text"), "`text` or `json`.";
    SLOW_STATEMENT_MS = Some("500"), "Statements that take PostgreSQL longer are logged by name, with their plan.";
    OTEL_EXPORTER_OTLP_ENDPOINT = Some(""), "Where traces are collected by OTLP over HTTP, such as `http://127.0.0.1:4318`; nowhere unless given.";
    TRACE_PERCENT = Some("100"), "Of requests that are no part of a caller's trace, so many begin one.";
}

/// The settings as a table in Markdown.
pub fn table() -> String {
    let mut table = String::from("| setting | default | meaning |\n| --- | --- | --- |\n");
    for Setting { name, default, meaning } in SETTINGS {
        let default = match default {
            None => "(required)".to_owned(),
            Some("") => "(empty)".to_owned(),
            Some(value) => format!("`{value}`"),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| `{name}` | {default} | {meaning} |");
    }
    table
}
