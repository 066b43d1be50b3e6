//! The menu as customers read it: from a snapshot in this process, which one loader at a time refreshes for all
//! servers.

mod cached_menu;
mod current;
mod early_renewal;
mod epochs;
mod memoized_flag;
mod metrics;
mod option_groups;
#[cfg(feature = "planted")]
mod planted;
mod refresher;
mod supplies;
#[cfg(test)]
mod tests;
mod writes;

pub use cached_menu::CachedMenu;
pub use option_groups::ShownOptionGroups;
pub use refresher::CacheTerms;
pub use supplies::ShownSupplies;
