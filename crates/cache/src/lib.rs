//! The menu as customers read it: from a copy in this process, which one loader at a time renews for all.

mod board;
mod cached_menu;
mod early_renewal;
mod keeper;
mod layers;
mod remembered_flag;
#[cfg(test)]
mod tests;
mod writes;

pub use cached_menu::CachedMenu;
pub use keeper::CacheTerms;
