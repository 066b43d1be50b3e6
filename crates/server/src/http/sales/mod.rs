//! `/v1/analytics`

mod csv_response;
mod period;
mod report;
mod top_items;

pub use self::{
    report::{__path_report, report},
    top_items::{__path_top_items, top_items},
};
