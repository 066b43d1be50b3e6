//! `/v1/analytics`

mod csv_answer;
mod sales;
mod top_items;

pub use sales::{__path_sales, sales};
pub use top_items::{__path_top_items, top_items};
