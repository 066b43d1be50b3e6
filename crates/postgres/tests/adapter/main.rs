//! The adapter on a real database: each test has a clone of its own.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]
#![expect(unreachable_pub, reason = "in a program, `pub` says what a module offers the others")]

mod accounts;
mod cancelling;
mod choices;
mod constraints;
mod deadlines;
mod early_release;
mod health;
mod histories;
mod invariants;
mod keys;
mod kitchen;
mod lookups;
mod mails;
mod menu;
mod migrations;
mod outbox;
mod payment_keys;
mod payments;
mod placing;
mod references;
mod replica;
mod retention;
mod sales_figures;
mod sessions;
mod shop;
mod supplies;
mod tls;
mod uncounted;
mod unreadable;
