//! A real browser for the tests of the pages: Chromium, steered through its driver.
//!
//! `cargo xtask test` sets where the two are, and where the script that looks for barriers (axe-core) is. As in
//! [`comanda_tests`], a failed step is a failed test, and panics right where it happens.

#![expect(clippy::missing_panics_doc, clippy::expect_used, reason = "a failed step is a failed test")]

mod browser;
mod screenshots;
mod shop;
mod window;

pub use browser::Browser;
pub use shop::Shop;
pub use window::Window;

fn from_xtask(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests by `cargo xtask test`"))
}
