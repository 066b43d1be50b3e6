//! `/`, `/kitchen` and `/office`, and the styles and scripts of pages. They use the public API alone, like any client.

mod asset;
mod customers;
mod kitchen;
mod language;
mod linked_data;
mod office;
mod page;
mod rendered_page;
mod shown_menu;
mod templates;
#[cfg(test)]
mod tests;

pub use self::{
    asset::{__path_asset, asset},
    customers::{__path_customers, customers},
    kitchen::{__path_kitchen, kitchen},
    office::{__path_office, office},
    rendered_page::Pages,
    templates::Cards,
};
