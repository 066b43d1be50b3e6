//! `/v1/analytics`

mod csv_response;
mod report;
mod top_items;

pub use report::{__path_sales, sales};
pub use top_items::{__path_top_items, top_items};
