//! The menu as guests read it: from a copy in this process, which one loader at a time renews for all.

mod board;
mod cached_menu;
mod early_renewal;
mod layers;
#[cfg(test)]
mod tests;

pub use cached_menu::{CacheTerms, CachedMenu};
