//! The real binary over HTTP, with a database per test.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod access;
mod accounts;
mod analytics;
mod bad_input;
mod bad_tokens;
mod command_line;
mod credentials;
mod csrf;
mod database_roles;
mod events;
mod faults;
mod fuzzing;
mod hanging_up;
mod headers;
mod http_semantics;
mod idempotency;
mod known_devices;
mod last_admin;
mod limits;
mod lockout;
mod mail;
mod mail_limits;
mod menu;
mod menu_cache;
mod menu_files;
mod migration;
mod observability;
mod openapi;
mod operation;
mod orders;
mod own_sessions;
mod password_resets;
mod payments;
mod placement_race;
mod poolers;
mod reads;
mod restore;
mod security_events;
mod session_ends;
mod sessions;
mod stripe;
mod text;
mod tls;
mod unreadable;
