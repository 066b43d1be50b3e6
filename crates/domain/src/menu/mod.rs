//! The menu: its items and their stock.

mod import;
mod item;
mod stock;
mod written;

pub use import::*;
pub use item::*;
pub use stock::*;
pub use written::*;
