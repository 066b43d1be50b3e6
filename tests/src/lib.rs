//! The test harness: a database per test, servers as real processes, clients, and a network that can fail.
//!
//! `cargo xtask test` sets where PostgreSQL, Redis and the `comanda` binary are. A failed step here is a failed test,
//! so it panics right where it happens.

#![expect(clippy::missing_panics_doc, clippy::expect_used, reason = "a failed step is a failed test")]
#![expect(clippy::print_stdout, reason = "the output of a failed test is for people")]

mod client;
mod database;
mod database_roles;
mod event_sink;
mod event_stream;
mod faulty_proxy;
mod http_request;
mod lossy_gateway;
mod pgbouncer;
mod postgres;
mod power;
mod powered_postgres;
mod proxy;
mod python_program;
mod redis;
mod seed;
mod server;
mod test_app;
mod test_authority;

pub use client::{Client, Response};
pub use database::{TestDatabase, redis_url};
pub use database_roles::DatabaseRoles;
pub use event_sink::{EventSink, Received};
pub use event_stream::{EventStream, Told};
pub use faulty_proxy::{FaultyProxy, Weather};
pub use lossy_gateway::{Loss, LossyGateway};
pub use pgbouncer::TestPgBouncer;
pub use postgres::{Accepts, TestPostgres, pg_dump};
pub use power::{Power, kill_at_once};
pub use powered_postgres::PoweredPostgres;
pub use proxy::Proxy;
pub use python_program::PythonProgram;
pub use redis::TestRedis;
pub use seed::seeded;
pub use server::{TestServer, comanda, comanda_of, program, signing_key};
pub use test_app::{PASSWORD, TestApp};
pub use test_authority::{TestAuthority, TestCertificate};

fn from_xtask(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests by `cargo xtask test`"))
}
