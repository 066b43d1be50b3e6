use std::process::{Command, Output};

use serde_json::json;
use uuid::Uuid;

use crate::{Client, TestDatabase, TestServer, comanda, redis_url};

const ADMIN: (&str, &str) = ("admin@comanda.example", "a password of the tests");

/// The password of every customer in the tests.
pub const PASSWORD: &str = "correct horse battery";

/// Servers on one database, and an admin.
pub struct TestApp {
    // Dropped in this order: servers before their database.
    pub servers: Vec<TestServer>,
    pub database: TestDatabase,
    redis_url: String,
    pub admin: Client,
}

impl TestApp {
    pub async fn open() -> Self {
        Self::with_servers(1, &[]).await
    }

    pub async fn with_servers(count: usize, settings: &[(&str, &str)]) -> Self {
        Self::with_redis(redis_url().await, count, settings).await
    }

    pub async fn with_redis(redis_url: String, count: usize, settings: &[(&str, &str)]) -> Self {
        let database = TestDatabase::migrated().await;
        let create = comanda(&database.server_url, &redis_url)
            .args(["admin", "create"])
            .env("ADMIN_EMAIL", ADMIN.0)
            .env("ADMIN_PASSWORD", ADMIN.1)
            .output()
            .expect("comanda runs");
        assert!(create.status.success(), "{create:?}");
        let servers: Vec<TestServer> =
            (0..count).map(|_| TestServer::start_at(&database.server_url, &redis_url, settings)).collect();
        let admin = Client::anonymous(&servers[0].base_url).log_in(ADMIN.0, ADMIN.1).await;
        Self { servers, database, redis_url, admin }
    }

    /// Starts one more server on the same database; returns its base URL.
    pub fn open_another(&mut self, settings: &[(&str, &str)]) -> String {
        self.open_another_at(&self.database.server_url.clone(), settings)
    }

    /// Starts one more server, which reaches the database by another URL; returns its base URL.
    pub fn open_another_at(&mut self, database_url: &str, settings: &[(&str, &str)]) -> String {
        let server = TestServer::start_at(database_url, &self.redis_url, settings);
        let base_url = server.base_url.clone();
        self.servers.push(server);
        base_url
    }

    pub fn anonymous(&self) -> Client {
        Client::anonymous(&self.servers[0].base_url)
    }

    /// Signs the admin in once more.
    pub async fn sign_in_admin(&self) -> Client {
        self.anonymous().log_in(ADMIN.0, ADMIN.1).await
    }

    /// Registers a customer and signs them in.
    pub async fn customer(&self) -> Client {
        let email = self.account().await;
        self.anonymous().log_in(&email, PASSWORD).await
    }

    /// Registers an account with the password [`PASSWORD`], whose address counts as verified; returns the address.
    pub async fn account(&self) -> String {
        let email = self.unverified_account("Ana").await;
        let verify = "UPDATE users SET email_verified_at = now() WHERE email = $1";
        self.database.client().await.execute(verify, &[&email]).await.expect("the account");
        email
    }

    /// Registers an account with the password [`PASSWORD`] and this name; returns its address, which nobody has
    /// verified.
    pub async fn unverified_account(&self, name: &str) -> String {
        let email = format!("{}@example.org", Uuid::now_v7().simple());
        let body = json!({ "email": email, "password": PASSWORD, "name": name });
        self.anonymous().post("/v1/users", &body).await.expect(201);
        email
    }

    /// Registers `count` customers, spread over the servers.
    pub async fn customers(&self, count: usize) -> Vec<Client> {
        let signing_up = (0..count).map(|n| async move {
            let server = &self.servers[n % self.servers.len()];
            self.customer().await.at(&server.base_url)
        });
        let mut customers = Vec::new();
        for customer in signing_up {
            customers.push(customer.await);
        }
        customers
    }

    pub async fn item(&self, stock: u32) -> Uuid {
        self.item_at(stock, 990).await
    }

    pub async fn item_at(&self, stock: u32, price: i64) -> Uuid {
        self.item_in("EUR", stock, price).await
    }

    /// A menu item of a deployment in another currency.
    pub async fn item_in(&self, currency: &str, stock: u32, price: i64) -> Uuid {
        let name = format!("Menu item {}", Uuid::now_v7().simple());
        let body = json!({
            "name": name, "category": "Tests", "stock": stock, "price": { "amount": price, "currency": currency },
        });
        let item = self.admin.post("/v1/menu/items", &body).await.expect(201);
        item["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
    }

    /// The availability of a menu item that one of the servers shows to customers.
    pub async fn availability(&self, server: usize, item: Uuid) -> String {
        let path = format!("/v1/menu/items/{item}");
        let shown = Client::anonymous(&self.servers[server].base_url).get(&path).await.expect(200);
        shown["availability"].as_str().expect("an availability").to_owned()
    }

    /// Gives a menu item another price; returns its new `ETag`.
    pub async fn reprice(&self, server: usize, item: Uuid, etag: &str, price: i64) -> String {
        let editor = self.admin.at(&self.servers[server].base_url);
        let body = json!({ "price": { "amount": price, "currency": "EUR" } });
        let edited = editor.patch(&format!("/v1/menu/items/{item}"), etag, &body).await;
        edited.expect(200);
        edited.header("etag").expect("an ETag").to_owned()
    }

    /// The stock of a menu item in the table.
    pub async fn stock(&self, item: Uuid) -> i64 {
        let client = self.database.client().await;
        let row = client.query_one("SELECT stock::bigint FROM menu_items WHERE id = $1", &[&item]).await;
        row.expect("the menu item").get(0)
    }

    /// Waits until this many connections wait for a lock.
    pub async fn until_waiting_for_locks(&self, connections: i64) {
        let sql =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let client = self.database.client().await;
        while client.query_one(sql, &[]).await.expect("a count").get::<_, i64>(0) < connections {
            tokio::task::yield_now().await;
        }
    }

    pub async fn orders(&self) -> i64 {
        self.database.number("SELECT count(*) FROM orders").await
    }

    /// The binary on this database, to be run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = comanda(&self.database.server_url, &self.redis_url);
        command.args(arguments);
        command
    }

    /// Runs the binary on this database.
    pub fn comanda(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("comanda runs")
    }

    /// Checks every invariant against the database.
    pub fn assert_sound(&self) {
        let check = self.comanda(&["check"]);
        assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    }

    /// Stops every server gracefully, then checks every invariant and that there were no deadlocks.
    pub async fn close(mut self) {
        for server in self.servers.drain(..) {
            let address = server.address.clone();
            let status = server.stop();
            assert!(status.success(), "the server at {address} ended with {status}");
        }
        self.assert_sound();
        assert_eq!(self.database.deadlocks().await, 0, "deadlocks");
    }
}
