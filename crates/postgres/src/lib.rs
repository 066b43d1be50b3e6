//! The storage ports on PostgreSQL, with Diesel. Rows, tables and statements stay in here.

mod accounts;
mod audit_log;
mod database;
mod events;
mod feature_flags;
mod invariants;
mod menu;
mod order_row;
mod orders;
mod payments;
mod sales;
mod sessions;

pub use accounts::PostgresAccounts;
pub use audit_log::PostgresAuditLog;
pub use database::{
    ConnectError, Database, DatabaseConfig, DatabaseUrl, InvalidDatabaseUrl, MigrateError, PostgresHealth, migrate,
};
pub use events::PostgresOutbox;
pub use feature_flags::PostgresFlagSettings;
pub use invariants::{Finding, Invariant, check_invariants};
pub use menu::PostgresMenu;
pub use orders::{PlacementConfig, PostgresOrders};
pub use payments::PostgresPayments;
pub use sales::PostgresSalesFigures;
pub use sessions::PostgresSessions;
