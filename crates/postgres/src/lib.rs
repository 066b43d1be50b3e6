//! The storage ports on PostgreSQL, with Diesel. Rows, tables and statements stay in here.

mod accounts;
mod database;
mod health;
mod invariants;
mod menu;
mod migrations;
mod order_book;
mod owned_task;
mod row_error;
mod schema;

pub use accounts::PostgresAccounts;
pub use database::{ConnectError, Database, DatabaseConfig};
pub use health::PostgresHealth;
pub use invariants::{Finding, Invariant, check_invariants};
pub use menu::PostgresMenu;
pub use migrations::{MigrateError, migrate};
pub use order_book::{PlacementConfig, PostgresOrderBook};
