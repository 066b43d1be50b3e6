//! The real binary over HTTP, with a database per test.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

mod accounts;
mod analytics;
mod bad_input;
mod bad_tokens;
mod command_line;
mod csrf;
mod events;
mod faults;
mod hanging_up;
mod idempotency;
mod lockout;
mod mail;
mod menu;
mod menu_cache;
mod migration;
mod observability;
mod operation;
mod orders;
mod payments;
mod placement_race;
mod reads;
mod session_ends;
mod sessions;
mod stripe;
