use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::from_xtask;

/// A database for one test alone, gone afterwards.
pub struct TestDatabase {
    name: String,
    /// Of the role that owns the tables.
    pub url: String,
    /// Of the role that servers sign in as. It owns nothing, unless the tests run on somebody else's `PostgreSQL`.
    pub server_url: String,
}

impl TestDatabase {
    /// Up to date and empty of data: a clone of a database that was migrated once for all tests.
    pub async fn migrated() -> Self {
        let template = from_xtask("TEST_DATABASE_URL");
        let (_, template) = template.rsplit_once('/').expect("a URL with a database");
        Self::create(&format!("TEMPLATE \"{template}\"")).await.for_servers()
    }

    /// Without a single table, for servers that sign in as a role that owns nothing.
    pub async fn unprepared() -> Self {
        Self::empty().await.for_servers()
    }

    fn for_servers(mut self) -> Self {
        if let Ok(server) = std::env::var("TEST_SERVER_DATABASE_URL") {
            let (server, _) = server.rsplit_once('/').expect("a URL with a database");
            self.server_url = format!("{server}/{}", self.name);
        }
        self
    }

    /// Without a single table. One role does everything.
    pub async fn empty() -> Self {
        Self::create("TEMPLATE template0").await
    }

    /// The same, in a locale that knows the letters of ASCII alone.
    pub async fn empty_without_language() -> Self {
        Self::create("TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'").await
    }

    async fn create(options: &str) -> Self {
        let name = new_name();
        execute(&format!("CREATE DATABASE \"{name}\" {options}")).await;
        Self::existing(name)
    }

    /// Takes over a database that has just been created.
    pub(crate) fn existing(name: String) -> Self {
        let url = url_of(&name);
        Self { name, server_url: url.clone(), url }
    }

    /// Connects to the database directly, to see what the server has written.
    pub async fn client(&self) -> Client {
        connect(&self.url).await
    }

    /// One number from one query.
    pub async fn number(&self, sql: &str) -> i64 {
        self.client().await.query_one(sql, &[]).await.expect("one row").get(0)
    }

    /// How many statements like this `PostgreSQL` has run in this database so far.
    pub async fn statements(&self, like: &str) -> i64 {
        let client = connect(&url_of("postgres")).await;
        let extension = client.batch_execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").await;
        // Another test may be making it at this moment.
        extension.or_else(|error| if error.code().is_some() { Ok(()) } else { Err(error) }).expect("an extension");
        let sql = "SELECT coalesce(sum(calls), 0)::bigint \
                   FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid \
                   WHERE d.datname = $1 AND query ILIKE $2";
        client.query_one(sql, &[&self.name, &like]).await.expect("statements are counted").get(0)
    }

    /// How often `PostgreSQL` had to break up a deadlock. Complete once the servers' connections are closed.
    pub async fn deadlocks(&self) -> i64 {
        self.number("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        execute_while_dropping(format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", self.name));
    }
}

/// A name that no other database or role has.
pub(crate) fn new_name() -> String {
    format!("test_{}", Uuid::now_v7().simple())
}

/// Executes one statement, as a superuser, outside the tests' databases.
pub(crate) async fn execute(statement: &str) {
    let client = connect(&url_of("postgres")).await;
    client.batch_execute(statement).await.unwrap_or_else(|error| panic!("{error:?} in {statement}"));
}

/// The same from `drop`, within a runtime or outside one.
pub(crate) fn execute_while_dropping(statement: String) {
    let executing = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move { connect(&url_of("postgres")).await.batch_execute(&statement).await })
    });
    if !std::thread::panicking() {
        executing.join().expect("a connection").expect("it can be dropped");
    }
}

/// A numbered Redis database that no other test of this run has.
pub async fn redis_url() -> String {
    let url = from_xtask("TEST_REDIS_URL");
    let (server, _) = url.rsplit_once('/').expect("a URL with a number");
    let client = connect(&url_of("postgres")).await;
    client
        .batch_execute("CREATE SEQUENCE IF NOT EXISTS test_redis_numbers MINVALUE 1 MAXVALUE 1023 CYCLE")
        .await
        .or_else(|error| if error.code().is_some() { Ok(()) } else { Err(error) })
        .expect("a sequence, or another test that makes it at this moment");
    let number: i64 = client.query_one("SELECT nextval('test_redis_numbers')", &[]).await.expect("a number").get(0);
    format!("{server}/{number}")
}

pub(crate) fn url_of(database: &str) -> String {
    let url = from_xtask("TEST_DATABASE_URL");
    let (server, _) = url.rsplit_once('/').expect("a URL with a database");
    format!("{server}/{database}")
}

pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("PostgreSQL answers");
    tokio::spawn(connection);
    client
}
