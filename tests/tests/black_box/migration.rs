use std::{
    io::{BufRead, BufReader},
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use comanda_tests::{Client, TestApp, TestDatabase, TestServer, redis_url};
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

/// What `comanda migrate` has logged so far.
fn logged(lines: &Arc<Mutex<Vec<String>>>) -> String {
    lines.lock().unwrap().join("\n")
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
    let mut migrating = command.env("DATABASE_URL", &app.database.url).stderr(Stdio::piped()).spawn().unwrap();
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let (stderr, log) = (migrating.stderr.take().unwrap(), Arc::clone(&lines));
    let reading = std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            log.lock().unwrap().push(line);
        }
    });
    // It gives way more than once.
    let mut slowest = Duration::ZERO;
    while logged(&lines).matches("gave way").count() < 3 {
        assert!(migrating.try_wait().unwrap().is_none(), "it ended: {}", logged(&lines));
        let begin = Instant::now();
        customer.post("/v1/orders", &body).await.expect(201);
        slowest = slowest.max(begin.elapsed());
    }
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    let log = logged(&lines);
    assert!(log.contains("application nightly dump") && log.contains("in its transaction since 20"), "{log}");

    dump.batch_execute("COMMIT").await.unwrap();
    let status = tokio::task::spawn_blocking(move || migrating.wait().unwrap()).await.unwrap();
    reading.join().unwrap();
    assert!(status.success(), "{}", logged(&lines));
    assert_eq!(app.database.number("SELECT count(credentials_version) FROM users").await, 2);
    customer.post("/v1/orders", &body).await.expect(201);
    app.close().await;
}
