//! The menu: its items.

mod import;
mod item;

pub use import::*;
pub use item::*;
