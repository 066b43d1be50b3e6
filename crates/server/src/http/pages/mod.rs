//! `/`, and the style and the scripts of pages. They use the public API alone, like any client.

mod asset;
mod customers;
mod language;
mod linked_data;
mod rendered_page;
mod shown_menu;
#[cfg(test)]
mod tests;

pub use self::{
    asset::{__path_asset, asset},
    customers::{__path_customers, customers},
    rendered_page::{Cards, Pages},
};
