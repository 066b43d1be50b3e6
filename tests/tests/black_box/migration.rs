use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use comanda_tests::{Client, TestApp, TestDatabase, TestServer, comanda, redis_url};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_that_start_at_once_on_an_empty_database_migrate_it_once() {
    let database = TestDatabase::empty().await;
    let redis_url = redis_url().await;
    let starting = (0..2).map(|_| {
        let (url, redis_url) = (database.url.clone(), redis_url.clone());
        tokio::task::spawn_blocking(move || TestServer::start_at(&url, &redis_url, &[]))
    });
    let servers = futures_util::future::join_all(starting.collect::<Vec<_>>()).await;
    let servers: Vec<TestServer> = servers.into_iter().map(Result::unwrap).collect();

    let migrated =
        |server: &TestServer| server.log().iter().filter(|line| line.contains("\"message\":\"migrated\"")).count();
    let counts: Vec<usize> = servers.iter().map(migrated).collect();
    let applied = database.number("SELECT count(*) FROM __diesel_schema_migrations").await;
    assert!(
        counts.contains(&0) && i64::try_from(counts.iter().sum::<usize>()).unwrap() == applied,
        "{counts:?} of {applied}"
    );
    for server in &servers {
        let menu = Client::anonymous(&server.base_url).get("/v1/menu").await.expect(200);
        assert_eq!(menu["categories"], json!([]));
    }
}

/// A command that runs, and what it has logged so far.
struct Running {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reading: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Running {
    /// It is gone with a test that failed.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn new(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let (stderr, log) = (child.stderr.take().unwrap(), Arc::clone(&lines));
        let reading = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                log.lock().unwrap().push(line);
            }
        });
        Self { child, lines, reading: Some(reading) }
    }

    fn log(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// Waits for a line with this text.
    async fn logs(&mut self, text: &str) -> String {
        let begin = Instant::now();
        loop {
            let ended = self.child.try_wait().unwrap();
            if let Some(line) = self.lines.lock().unwrap().iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            assert!(ended.is_none(), "it ended: {}", self.log());
            assert!(begin.elapsed() < Duration::from_secs(20), "it does not say {text:?}: {}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Asks it to stop, and waits until it has ended.
    async fn stop(self) -> (ExitStatus, String) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
        self.end().await
    }

    async fn end(mut self) -> (ExitStatus, String) {
        tokio::task::spawn_blocking(move || {
            let status = self.child.wait().unwrap();
            self.reading.take().unwrap().join().unwrap();
            let log = self.lines.lock().unwrap().join("\n");
            (status, log)
        })
        .await
        .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_beside_a_dump_keeps_no_order_waiting() {
    let app = TestApp::open().await;
    let (item, customer) = (app.item(100_000).await, app.customer().await);
    let body = json!({ "items": [{ "menu_item_id": item, "quantity": 1 }] });
    customer.post("/v1/orders", &body).await.expect(201);
    // Every order locks its customer's row, and this migration changes the table.
    let pending = "ALTER TABLE users DROP COLUMN credentials_version; \
                   DELETE FROM __diesel_schema_migrations WHERE version = '20261128100000'";
    app.database.client().await.batch_execute(pending).await.unwrap();
    let dump = app.database.client().await;
    dump.batch_execute(
        "SET application_name = 'nightly dump'; BEGIN ISOLATION LEVEL REPEATABLE READ; \
         LOCK TABLE users, orders, order_lines, outbox_events IN ACCESS SHARE MODE",
    )
    .await
    .unwrap();

    let mut command = app.command(&["migrate"]);
    let mut migrating = Running::new(command.env("DATABASE_URL", &app.database.url));
    // It gives way more than once.
    let mut slowest = Duration::ZERO;
    while migrating.log().matches("gave way").count() < 3 {
        assert!(migrating.child.try_wait().unwrap().is_none(), "it ended: {}", migrating.log());
        let begin = Instant::now();
        customer.post("/v1/orders", &body).await.expect(201);
        slowest = slowest.max(begin.elapsed());
    }
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    let log = migrating.log();
    assert!(log.contains("application nightly dump") && log.contains("in its transaction since 20"), "{log}");

    dump.batch_execute("COMMIT").await.unwrap();
    let (status, log) = migrating.end().await;
    assert!(status.success(), "{log}");
    assert_eq!(app.database.number("SELECT count(credentials_version) FROM users").await, 2);
    customer.post("/v1/orders", &body).await.expect(201);
    app.close().await;
}

/// Of no release.
const UNKNOWN: &str = "INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')";

const FORGET: &str = "DELETE FROM __diesel_schema_migrations WHERE version = '20261128140000'";

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pending_can_be_seen_before_anything_changes() {
    let database = TestDatabase::empty().await;
    let migrate = |option: &str| {
        let mut command = comanda(&database.url, "redis://127.0.0.1:1");
        let output = command.args(["migrate", option].iter().filter(|word| !word.is_empty())).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", printed(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let count = |status: &str, word: &str| status.lines().filter(|line| line.starts_with(word)).count();

    let status = migrate("--status");
    let all = count(&status, "pending  ");
    assert!(all > 50 && status.contains("  2026-11-28-140000_handled_gateway_events\n"), "{status}");
    let verdict = format!("0 applied, {all} pending, 0 unknown: the database is behind this version");
    assert!(status.contains(&verdict), "{status}");
    let script = migrate("--dry-run");
    for expected in [
        "-- 2026-11-24-100000_accounts, in a transaction\n",
        "CREATE TABLE users (",
        "-- 2026-11-28-140000_handled_gateway_events, outside a transaction\n",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS handled_gateway_events ON",
    ] {
        assert!(script.contains(expected), "{expected} is not in {script}");
    }
    assert_eq!(database.number("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace").await, 0);

    migrate("");
    let status = migrate("--status");
    assert!(status.contains(&format!("{all} applied, 0 pending, 0 unknown: the database is up to date")), "{status}");
    assert_eq!(migrate("--dry-run"), "-- No migration is pending.\n");

    database.client().await.batch_execute(&format!("{FORGET}; {UNKNOWN}")).await.unwrap();
    let status = migrate("--status");
    assert_eq!((count(&status, "pending  "), count(&status, "unknown  ")), (1, 1), "{status}");
    assert!(status.contains("20990101000000") && count(&migrate("--dry-run"), "-- 2026-11-28-140000_handled") == 1);
    assert_eq!(database.number("SELECT count(*) FROM __diesel_schema_migrations").await, i64::try_from(all).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_migrate_refuses_a_database_that_is_behind() {
    let (empty, behind) = (TestDatabase::empty().await, TestDatabase::migrated().await);
    let client = behind.client().await;
    client.batch_execute(FORGET).await.unwrap();
    let redis_url = redis_url().await;
    for (url, complaint) in [(&empty.url, " pending)"), (&behind.server_url, "(1 pending)")] {
        let mut command = comanda(url, &redis_url);
        let (status, log) = Running::new(command.arg("serve").env("MIGRATE_ON_START", "false")).end().await;
        assert_eq!(status.code(), Some(1), "{log}");
        assert!(log.contains(complaint) && log.contains("run `comanda migrate`"), "{log}");
    }
    // A later release has been here.
    let again = "INSERT INTO __diesel_schema_migrations (version) VALUES ('20261128140000')";
    client.batch_execute(&format!("{again}; {UNKNOWN}")).await.unwrap();
    for settings in [&[("MIGRATE_ON_START", "false")][..], &[]] {
        let server = TestServer::start(&behind, settings).await;
        let log = server.log();
        let warning = log.iter().find(|line| line.contains("ahead of this version")).expect("a warning");
        assert!(warning.contains("20990101000000") && warning.contains("WARN"), "{warning}");
        Client::anonymous(&server.base_url).get("/v1/menu").await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_another_migration_says_for_whom_and_stops_at_once_when_asked_to() {
    let database = TestDatabase::empty().await;
    let (redis_url, other) = (redis_url().await, database.client().await);
    other.batch_execute("SET application_name = 'another migration'").await.unwrap();
    let lock = "SELECT pg_backend_pid() FROM pg_advisory_lock(x'636f6d616e6461'::bigint)";
    let pid: i32 = other.query_one(lock, &[]).await.unwrap().get(0);
    let status = comanda(&database.url, &redis_url).args(["migrate", "--status"]).output().unwrap();
    assert!(printed(&status).contains(&format!("being migrated by pid {pid} ")), "{}", printed(&status));
    for (command, code, complaint) in
        [("migrate", 1, "stopped by SIGTERM"), ("serve", 0, "told to stop before it served")]
    {
        let mut waiting = Running::new(comanda(&database.url, &redis_url).arg(command));
        let line = waiting.logs("another session migrates").await;
        for expected in [format!("\"pid\":{pid}"), "another migration".to_owned(), "\"since\":\"20".to_owned()] {
            assert!(line.contains(&expected), "{line}");
        }
        let begin = Instant::now();
        let (status, log) = waiting.stop().await;
        assert_eq!(status.code(), Some(code), "{log}");
        assert!(log.contains(complaint) && begin.elapsed() < Duration::from_secs(2), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migrator_that_is_stopped_or_killed_leaves_no_session_behind() {
    let database = TestDatabase::empty().await;
    let (client, reader) = (database.client().await, database.client().await);
    // Indexes are not created concurrently as long as this lasts.
    reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await.unwrap();
    let sessions = "SELECT count(*) FROM pg_stat_activity \
                    WHERE datname = current_database() AND application_name = 'comanda-migrate'";
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let mut migrating = Running::new(comanda(&database.url, "redis://127.0.0.1:1").arg("migrate"));
        migrating.logs("a migration waits").await;
        let begin = Instant::now();
        kill(Pid::from_raw(migrating.child.id().try_into().unwrap()), signal).unwrap();
        let (status, log) = migrating.end().await;
        assert!(!status.success() && begin.elapsed() < Duration::from_secs(2), "{log}");
        while client.query_one(sessions, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            assert!(begin.elapsed() < Duration::from_secs(20), "the session goes on");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    reader.batch_execute("COMMIT").await.unwrap();
    let output = comanda(&database.url, "redis://127.0.0.1:1").arg("migrate").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", printed(&output));
    assert_eq!(database.number("SELECT count(*) FROM pg_index WHERE NOT indisvalid").await, 0);
}
