//! The menu: its items and their stock.

mod item;
mod stock;

pub use item::*;
pub use stock::*;
