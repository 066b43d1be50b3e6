//! The pages in a real browser.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod documentation;
mod keyboard;
mod kitchen;
mod last_portions;
mod look;
mod lost;
mod office;
mod once;
mod ordering;
mod signed_out;
mod states;
mod steps;
mod texts;
