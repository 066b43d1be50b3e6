//! The menu: its items, what goes into them, and what can be chosen with them.

mod allergen;
mod definition;
mod import;
mod item;
mod offer;
mod option_group;
mod recipe;
mod stocked_definition;
mod takers;

pub use allergen::*;
pub use definition::*;
pub use import::*;
pub use item::*;
pub use offer::*;
pub use option_group::*;
pub use recipe::*;
pub use stocked_definition::*;
pub use takers::SupplyNeed;
