//! The storage ports on PostgreSQL, with Diesel. Rows, tables and statements stay in here.

mod accounts;
mod database;
mod events;
mod idempotency;
mod invariants;
mod kitchen;
mod live;
mod mails;
mod menu;
mod operations;
mod order_row;
mod orders;
mod payments;
#[cfg(feature = "planted")]
mod planted;
mod sales;
mod sessions;
mod stocked;
mod supplies;

pub use accounts::{PostgresAccounts, twins_of_addresses};
pub use database::{
    AppliedMigration, ConnectError, Database, DatabaseConfig, DatabaseFacts, DatabaseUrl, InvalidDatabaseUrl,
    MigrateError, MigrationStatus, PendingMigration, PostgresHealth, SharedSessions, ensure_migrated, examine,
    examine_pooling, migrate, migration_status,
};
pub use events::{PostgresOutbox, SubscriberBacklog, names_of_subscribers, subscribers};
pub use invariants::{Finding, Guards, Invariant, MissingGuard, check_guards, check_invariants, missing_guards};
pub use kitchen::{PostgresStations, PostgresTickets};
pub use live::PostgresLiveUpdates;
pub use mails::PostgresMails;
pub use menu::{PostgresMenu, PostgresOptionGroups};
pub use operations::{
    BacklogCounts, EventHorizon, HeldLease, HeldSnapshot, MOST_COUNTED, PostgresAuditLog, PostgresFlagSettings,
    PostgresRetention, backlog, dead_rows, event_horizon, gap_in_sight_of_sessions, gap_in_texts, leases,
    oldest_snapshot, ways_to_change_the_audit_log,
};
pub use orders::{EarlyRelease, PlacementConfig, PostgresOrders};
pub use payments::PostgresPayments;
pub use sales::PostgresSalesFigures;
pub use sessions::PostgresSessions;
pub use supplies::PostgresSupplies;
