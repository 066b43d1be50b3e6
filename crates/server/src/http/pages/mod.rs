//! `/`, `/kitchen` and `/office`, and the styles and scripts of pages. They use the public API alone, like any client.

mod asset;
mod cards;
mod customers;
mod language;
mod linked_data;
mod page;
mod rendered_page;
mod shells;
mod shown_menu;
mod templates;
#[cfg(test)]
mod tests;

pub use self::{
    asset::{__path_asset, asset},
    cards::Cards,
    customers::{__path_customers, customers},
    rendered_page::Pages,
    shells::{__path_kitchen, __path_office, kitchen, office},
};
