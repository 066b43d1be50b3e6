use std::process::Output;

use comanda_tests::{
    Accepts, Client, PASSWORD, TestAuthority, TestDatabase, TestPostgres, TestRedis, TestServer, comanda, redis_url,
};
use serde_json::json;

const UNREACHABLE: i32 = 3;

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// PostgreSQL refuses every connection that is not encrypted, and Redis knows nothing else.
#[tokio::test]
async fn every_connection_of_a_server_and_of_commands_is_encrypted() {
    let authority = TestAuthority::new();
    let certificate = authority.certify(&["localhost"]);
    let postgres = TestPostgres::start(Some(&certificate), Accepts::OnlyEncrypted).await;
    let redis = TestRedis::start_over_tls(&certificate).await;
    let database_url = postgres.url_by("localhost", &format!("sslmode=verify-full&sslrootcert={}", authority.file()));
    let redis_url = redis.url_by("localhost");
    let run = |arguments: &[&str]| {
        let mut command = comanda(&database_url, &redis_url);
        command.args(arguments).env("REDIS_CA_FILE", authority.file());
        command.env("ADMIN_EMAIL", "admin@comanda.example").env("ADMIN_PASSWORD", PASSWORD);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", printed(&output));
    };
    run(&["config", "check"]);
    run(&["migrate"]);
    run(&["admin", "create"]);
    let settings = [
        ("REDIS_CA_FILE", authority.file()),
        ("DATABASE_REPLICA_URL", &database_url),
        // Each is explained, on a connection of its own.
        ("SLOW_STATEMENT_MS", "1"),
        ("WEBHOOK_URLS", "https://kitchen.example/hook"),
        ("WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
    ];
    let server = TestServer::start_at(&database_url, &redis_url, &settings);
    let admin = Client::anonymous(&server.base_url).log_in("admin@comanda.example", PASSWORD).await;
    let body = json!({
        "name": "Carbonara", "category": "Pasta", "stock": 2, "price": { "amount": 1250, "currency": "EUR" },
    });
    let item = admin.post("/v1/menu/items", &body).await.expect(201);
    admin.order(&[(item["id"].as_str().unwrap().parse().unwrap(), 1)]).await.expect(201);
    assert_eq!(admin.get("/health/ready").await.expect(200)["components"]["redis"]["status"], "ok");
    while !server.log().iter().any(|line| line.contains("the plan of a slow statement")) {
        admin.get("/v1/orders").await.expect(200);
    }
    let (encrypted, plain) = postgres.connections().await;
    assert!(encrypted > 1 && plain == 0, "{encrypted} encrypted, {plain} plain");
    run(&["menu", "export"]);
    run(&["menu", "invalidate", "--category", "Pasta"]);
    assert!(server.stop().success());
    run(&["check"]);
    let log = postgres.log().await;
    assert!(!log.contains("no pg_hba.conf entry"), "{log}");
}

#[tokio::test]
async fn a_database_whose_certificate_is_not_good_is_named_with_the_reason() {
    let (authority, other) = (TestAuthority::new(), TestAuthority::new());
    let postgres = TestPostgres::start(Some(&authority.certify(&["db.example"])), Accepts::Everything).await;
    let redis_url = redis_url().await;
    for (file, name, reason) in [
        (&other, "db.example", "its certificate was not issued by an authority that is trusted"),
        (&authority, "localhost", "its certificate is not for localhost but for"),
    ] {
        let url = postgres.url_by(name, &format!("sslmode=verify-full&sslrootcert={}", file.file()));
        for command in [&["migrate"][..], &["check"], &["menu", "export"]] {
            let refused = comanda(&url, &redis_url).args(command).output().unwrap();
            assert_eq!(refused.status.code(), Some(UNREACHABLE), "{command:?}: {}", printed(&refused));
            assert!(printed(&refused).contains("cannot reach PostgreSQL"), "{command:?}: {}", printed(&refused));
            assert!(printed(&refused).contains(reason), "{command:?}: {}", printed(&refused));
            assert!(!printed(&refused).contains("hunter2"), "{command:?}: {}", printed(&refused));
        }
    }
}

/// An authority's certificate is replaced, too, from time to time.
#[tokio::test]
async fn authorities_are_read_again_without_a_restart() {
    let (old, new) = (TestAuthority::new(), TestAuthority::new());
    let file = std::env::temp_dir().join(format!("comanda-authorities-{}", uuid::Uuid::now_v7()));
    std::fs::copy(old.file(), &file).unwrap();
    let postgres = TestPostgres::start(Some(&old.certify(&["localhost"])), Accepts::OnlyEncrypted).await;
    let url = postgres.url_by("localhost", &format!("sslmode=verify-full&sslrootcert={}", file.display()));
    let server = TestServer::start_at(&url, &redis_url().await, &[]);
    let ready = async || Client::anonymous(&server.base_url).get("/health/ready").await.status == 200;
    assert!(ready().await);
    postgres.change_certificate(&new.certify(&["localhost"])).await;
    let cut = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'comanda'";
    postgres.inspector().await.batch_execute(cut).await.unwrap();
    while !server.log().iter().any(|line| line.contains("not issued by an authority that is trusted")) {
        assert!(!ready().await);
    }
    std::fs::copy(new.file(), &file).unwrap();
    server.signal(nix::sys::signal::Signal::SIGHUP);
    let begin = std::time::Instant::now();
    while !ready().await {
        assert!(begin.elapsed() < std::time::Duration::from_secs(5), "the new authority is not trusted");
    }
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test]
async fn a_redis_whose_certificate_is_not_good_is_not_used() {
    let (authority, other) = (TestAuthority::new(), TestAuthority::new());
    let redis = TestRedis::start_over_tls(&authority.certify(&["localhost"])).await;
    let database = TestDatabase::migrated().await;
    let unknown = "its certificate was not issued by an authority that is trusted";
    for (url, file, reason) in [
        (redis.url_by("localhost"), "", unknown),
        (redis.url_by("localhost"), other.file(), unknown),
        (redis.url_by("127.0.0.1"), authority.file(), "its certificate is not for 127.0.0.1 but for"),
    ] {
        let mut command = comanda(&database.url, &url);
        command.args(["menu", "invalidate", "--category", "Pasta"]).env("REDIS_CA_FILE", file);
        let refused = command.output().unwrap();
        assert_eq!(refused.status.code(), Some(UNREACHABLE), "{}", printed(&refused));
        assert!(printed(&refused).contains(reason), "{}", printed(&refused));

        let server = TestServer::start_at(&database.url, &url, &[("REDIS_CA_FILE", file)]);
        let ready = Client::anonymous(&server.base_url).get("/health/ready").await.expect(200);
        assert_eq!(ready["components"]["redis"]["status"], "unavailable");
        while !server.log().iter().any(|line| line.contains("out of reach") && line.contains(reason)) {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn plain_text_to_another_machine_is_logged_once_at_start() {
    let database = TestDatabase::migrated().await;
    let warning = "the password and data cross the network in plain text";
    let elsewhere = "redis://:hunter2@redis.invalid/0";
    let server = TestServer::start_at(&database.url, elsewhere, &[]);
    let warned = server.log().iter().filter(|line| line.contains(warning) && line.contains("REDIS_URL")).count();
    assert_eq!(warned, 1, "{:#?}", server.log());
    let server = TestServer::start_at(&database.url, elsewhere, &[("MODE", "development")]);
    assert!(!server.log().iter().any(|line| line.contains(warning)), "{:#?}", server.log());
    let checked = comanda(&database.url, elsewhere).args(["config", "check"]).output().unwrap();
    assert!(checked.status.success());
    assert!(printed(&checked).contains(warning), "{}", printed(&checked));
}
