//! Why PostgreSQL or Redis cannot be used is said, and once; and what is over leaves nothing behind.

use std::{
    process::Output,
    time::{Duration, Instant},
};

use comanda_tests::{Accepts, Client, TestApp, TestDatabase, TestPostgres, TestRedis, TestServer, comanda, redis_url};

/// How soon everything works again.
const SECONDS: Duration = Duration::from_secs(5);

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn orders_are_placed_again_seconds_after_a_read_only_spell() {
    let quick = "minimum_calls=5 window_ms=30000 first_wait_ms=300 longest_wait_ms=600 probes=1";
    let app = TestApp::with_servers(1, &[("BREAKER_ORDER_CREATE", quick)]).await;
    let (item, customer) = (app.item(50).await, app.customer().await);
    customer.order(&[(item, 1)]).await.expect(201);
    app.anonymous().get("/health/ready").await.expect(200);

    let other_database = TestDatabase::empty().await;
    let elsewhere = other_database.client().await;
    let name = app.database.url.rsplit_once('/').unwrap().1;
    let read_only = format!("ALTER DATABASE \"{name}\" SET default_transaction_read_only = on");
    elsewhere.batch_execute(&read_only).await.unwrap();
    let cut = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    elsewhere.batch_execute(&cut).await.unwrap();
    let is_logged = |text: &str| app.servers[0].log().iter().any(|line| line.contains(text));
    let begin = Instant::now();
    while !is_logged("is read-only") {
        let ready = app.anonymous().get("/health/ready").await;
        assert_eq!((ready.status, &ready.json()["components"]["postgres"]["status"]), (503, &"unavailable".into()));
        assert!(begin.elapsed() < SECONDS, "{:#?}", app.servers[0].log());
    }
    for _ in 0..8 {
        assert_eq!(customer.order(&[(item, 1)]).await.problem(), (503, "unavailable".to_owned()));
        let ready = app.anonymous().get("/health/ready").await;
        assert_eq!((ready.status, &ready.json()["components"]["postgres"]["status"]), (503, &"unavailable".into()));
    }
    let log = app.servers[0].log();
    assert!(log.iter().any(|line| line.contains("in a read-only transaction (read_only in order.place.")), "{log:#?}");
    assert!(!log.iter().any(|line| line.contains("current transaction is aborted")), "{log:#?}");
    let not_ready = log.iter().filter(|line| line.contains("is read-only")).count();
    assert_eq!(not_ready, 1, "{log:#?}");

    // The sessions that the servers have opened since are not ended: they would stay as they are.
    let reset = format!("ALTER DATABASE \"{name}\" RESET default_transaction_read_only");
    elsewhere.batch_execute(&reset).await.unwrap();
    let begin = Instant::now();
    while customer.order(&[(item, 1)]).await.status != 201 {
        assert!(begin.elapsed() < SECONDS, "orders are not placed");
    }
    while app.anonymous().get("/health/ready").await.status != 200 {
        assert!(begin.elapsed() < SECONDS, "the server is not ready");
    }
    // Other writes have connections of their own.
    app.account().await;
    app.close().await;
}

#[tokio::test]
async fn a_connection_that_is_refused_is_named_with_its_host_port_and_reason() {
    let postgres = TestPostgres::start(None, Accepts::OnlyPlain).await;
    let (url, redis_url) = (postgres.url(), redis_url().await);
    let (server, _) = url.rsplit_once('/').unwrap();
    let other_port = url.replace(&format!(":{}/", postgres.port()), ":1/");
    let address = format!("127.0.0.1:{}", postgres.port());
    for (url, address, reason) in [
        (url.replace("hunter2", "hunter3"), &address, "password authentication failed for user \"comanda\""),
        (format!("{server}/kitchen"), &address, "database \"kitchen\" does not exist"),
        (other_port, &"127.0.0.1:1".to_owned(), "Connection refused"),
    ] {
        for (arguments, settings) in [
            (["check"].as_slice(), [("MIGRATE_ON_START", "true")]),
            (&["migrate"], [("MIGRATE_ON_START", "true")]),
            (&["serve"], [("MIGRATE_ON_START", "false")]),
        ] {
            let begin = Instant::now();
            let output = comanda(&url, &redis_url).args(arguments).envs(settings).output().unwrap();
            let printed = printed(&output);
            assert_eq!(output.status.code(), Some(3), "{arguments:?}: {printed}");
            let complaint = printed.lines().last().unwrap();
            assert!(complaint.contains(&format!("cannot reach PostgreSQL at {address}: ")), "{arguments:?}: {printed}");
            assert_eq!(complaint.matches(reason).count(), 1, "{arguments:?}: {printed}");
            assert!(!printed.contains("hunter") && !printed.contains("bb8"), "{arguments:?}: {printed}");
            // Once by each process, whoever tries how often; and then why it ended.
            let logged = printed.lines().filter(|line| line.contains("out of reach")).count();
            assert!(logged <= 1, "{arguments:?}: {printed}");
            assert!(begin.elapsed() < SECONDS, "{arguments:?} takes {:?}", begin.elapsed());
        }
    }
}

#[tokio::test]
async fn a_redis_that_goes_and_comes_back_is_a_line_each() {
    let database = TestDatabase::migrated().await;
    let mut redis = TestRedis::start().await;
    let server = TestServer::start_at(&database.server_url, &redis.url(), &[]);
    let client = Client::anonymous(&server.base_url);
    let is_well = async || client.get("/health/ready").await.json()["components"]["redis"]["status"] == "ok";
    let lines = |message: &str| {
        let is_about_redis = |line: &&String| line.contains(message) && line.contains("\"service\":\"Redis\"");
        server.log().iter().filter(is_about_redis).count()
    };
    while !is_well().await {}
    redis.stop();
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(4) {
        assert!(!is_well().await || lines("out of reach") == 0);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let log = server.log();
    let refused: Vec<_> = log.iter().filter(|line| line.contains("Connection refused")).collect();
    assert!(refused.len() == 1 && refused[0].contains("cannot connect to Redis at 127.0.0.1:"), "{log:#?}");
    assert!(!log.iter().any(|line| line.contains("bb8")), "{log:#?}");

    redis.start_again().await;
    let begin = Instant::now();
    while !is_well().await {
        assert!(begin.elapsed() < SECONDS, "{:#?}", server.log());
    }
    assert_eq!((lines("out of reach"), lines("back in reach")), (1, 1), "{:#?}", server.log());
}
