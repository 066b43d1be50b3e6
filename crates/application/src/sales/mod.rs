//! What was sold.

mod report_sales;
mod report_top_items;

pub use report_sales::{ReportSales, ReportSalesError};
pub use report_top_items::ReportTopItems;
