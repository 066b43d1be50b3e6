//! The storage ports on PostgreSQL, with Diesel. Rows, tables and statements stay in here.

mod accounts;
mod audit_log;
mod database;
mod establish;
mod feature_flags;
mod health;
mod invariants;
mod menu;
mod migrations;
mod named;
mod order_book;
mod outbox;
mod owned_task;
mod payments;
mod pool_metrics;
mod replica;
mod row_error;
mod sales_figures;
mod schema;
mod sessions;
mod slow_statements;
mod statement;
mod transaction_failure;

pub use accounts::PostgresAccounts;
pub use audit_log::PostgresAuditLog;
pub use database::{ConnectError, Database, DatabaseConfig};
pub use feature_flags::PostgresFlagSettings;
pub use health::PostgresHealth;
pub use invariants::{Finding, Invariant, check_invariants};
pub use menu::PostgresMenu;
pub use migrations::{MigrateError, migrate};
pub use order_book::{PlacementConfig, PostgresOrderBook};
pub use outbox::PostgresOutbox;
pub use payments::PostgresPayments;
pub use sales_figures::PostgresSalesFigures;
pub use sessions::PostgresSessions;
