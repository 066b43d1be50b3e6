//! Passwords of PostgreSQL and Redis that are replaced while a server serves, as docs/runbook/secrets-leaked.md has it.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use comanda_tests::{Accepts, Client, PASSWORD, TestDatabase, TestPostgres, TestRedis, TestServer, comanda, redis_url};
use nix::sys::signal::Signal;
use serde_json::json;
use uuid::Uuid;

/// How soon everything works again.
const SECONDS: Duration = Duration::from_secs(5);

/// A file that holds a setting.
struct SettingFile(PathBuf);

impl SettingFile {
    fn holding(value: &str) -> Self {
        let file = Self(std::env::temp_dir().join(format!("comanda-setting-{}", Uuid::now_v7())));
        file.replace(value);
        file
    }

    fn name(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// At once, as whoever rotates secrets should.
    fn replace(&self, value: &str) {
        let next = self.0.with_extension("next");
        std::fs::write(&next, value).unwrap();
        std::fs::rename(next, Path::new(self.name())).unwrap();
    }
}

impl Drop for SettingFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn lines_with(server: &TestServer, words: &[&str]) -> usize {
    server.log().iter().filter(|line| words.iter().all(|word| line.contains(word))).count()
}

async fn until_logged(server: &TestServer, words: &[&str]) {
    let begin = Instant::now();
    while lines_with(server, words) == 0 {
        assert!(begin.elapsed() < SECONDS, "{words:?} is not logged");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_password_of_postgresql_that_is_replaced_in_a_file_counts_without_a_restart() {
    let postgres = TestPostgres::start(None, Accepts::OnlyPlain).await;
    let (url, redis_url) = (postgres.url(), redis_url().await);
    for arguments in [["migrate"].as_slice(), &["admin", "create"]] {
        let mut command = comanda(&url, &redis_url);
        command.args(arguments).env("ADMIN_EMAIL", "admin@comanda.example").env("ADMIN_PASSWORD", PASSWORD);
        assert!(command.output().unwrap().status.success());
    }
    let file = SettingFile::holding(&url);
    let settings = [
        ("DATABASE_URL_FILE", file.name()),
        ("DATABASE_REPLICA_URL_FILE", file.name()),
        ("BREAKER_ORDER_CREATE", "first_wait_ms=300 longest_wait_ms=600 probes=1"),
    ];
    let server = TestServer::start_at("", &redis_url, &settings);
    let admin = Client::anonymous(&server.base_url).log_in("admin@comanda.example", PASSWORD).await;
    let body = json!({
        "name": "Carbonara", "category": "Pasta", "stock": 50, "price": { "amount": 1250, "currency": "EUR" },
    });
    let item = admin.post("/v1/menu/items", &body).await.expect(201);
    let item: Uuid = item["id"].as_str().unwrap().parse().unwrap();
    admin.order(&[(item, 1)]).await.expect(201);

    let inspector = postgres.inspector().await;
    let cut = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'comanda'";
    let until_placed = async || {
        let begin = Instant::now();
        while admin.order(&[(item, 1)]).await.status != 201 || admin.get("/v1/orders").await.status != 200 {
            assert!(begin.elapsed() < SECONDS, "orders are not placed");
        }
    };
    inspector.batch_execute("ALTER ROLE comanda PASSWORD 'hunter3'").await.unwrap();
    inspector.batch_execute(cut).await.unwrap();
    until_logged(&server, &["out of reach", "password authentication failed"]).await;
    assert_ne!(admin.order(&[(item, 1)]).await.status, 201);
    file.replace(&url.replace("hunter2", "hunter3"));
    until_placed().await;
    until_logged(&server, &["connecting with what the file holds now", "\"DATABASE_URL\""]).await;
    until_logged(&server, &["connecting with what the file holds now", "\"DATABASE_REPLICA_URL\""]).await;

    // Wrong in another way than by its password: what was right goes on.
    file.replace(&url.replace(&postgres.port().to_string(), "1"));
    inspector.batch_execute(cut).await.unwrap();
    until_placed().await;
    inspector.batch_execute(cut).await.unwrap();
    until_placed().await;
    let of_no_use = ["the file is of no use", "\"DATABASE_URL\"", "differs in more than the user and the password"];
    assert_eq!(lines_with(&server, &of_no_use), 1);
    file.replace(&url.replace("hunter2", "hunter3"));
    server.signal(Signal::SIGHUP);
    until_logged(&server, &["SIGHUP"]).await;
    assert_eq!(lines_with(&server, &["hunter"]), 0);
}

async fn run(redis: &mut redis::aio::MultiplexedConnection, command: &[&str]) {
    redis::cmd(command[0]).arg(&command[1..]).exec_async(redis).await.unwrap();
}

/// Whether a server has a connection of this kind to Redis.
async fn connected(redis: &mut redis::aio::MultiplexedConnection, kind: &str) -> bool {
    let list: String = redis::cmd("CLIENT").arg("LIST").arg("TYPE").arg(kind).query_async(redis).await.unwrap();
    list.lines().any(|line| !line.contains("cmd=client"))
}

#[tokio::test]
async fn a_password_of_redis_that_is_replaced_in_a_file_counts_without_a_restart() {
    let (redis, database) = (TestRedis::start().await, TestDatabase::migrated().await);
    let file = SettingFile::holding(&redis.url());
    let server = TestServer::start_at(&database.server_url, "", &[("REDIS_URL_FILE", file.name())]);
    let ready = async || {
        let document = Client::anonymous(&server.base_url).get("/health/ready").await.json();
        document["components"]["redis"]["status"] == "ok"
    };
    assert!(ready().await);
    let client = redis::Client::open(redis.url()).unwrap();
    let mut operator = client.get_multiplexed_async_connection().await.unwrap();
    for password in ["hunter2", "hunter3"] {
        run(&mut operator, &["CONFIG", "SET", "requirepass", password]).await;
        for kind in ["normal", "pubsub"] {
            run(&mut operator, &["CLIENT", "KILL", "TYPE", kind]).await;
        }
        let begin = Instant::now();
        while ready().await {
            assert!(begin.elapsed() < SECONDS, "the old password is still good");
        }
        file.replace(&redis.url().replace("redis://", &format!("redis://:{password}@")));
        let begin = Instant::now();
        while !ready().await || !connected(&mut operator, "pubsub").await || !connected(&mut operator, "normal").await {
            assert!(begin.elapsed() < SECONDS, "the new password does not count");
        }
    }
    assert_eq!(lines_with(&server, &["connecting with what the file holds now", "\"REDIS_URL\""]), 2);
    assert_eq!(lines_with(&server, &["hunter"]), 0);
}
