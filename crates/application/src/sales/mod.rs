//! What was sold.

mod period;
mod report;
mod top_items;

use std::sync::Arc;

use comanda_domain::ports::{Clock, SalesFigures};

pub use report::SalesReportError;
pub use top_items::ReportedItem;

/// Reports of what was sold. One file per verb.
pub struct Sales {
    pub figures: Arc<dyn SalesFigures>,
    pub clock: Arc<dyn Clock>,
}
