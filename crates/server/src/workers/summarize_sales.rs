use std::{sync::Arc, time::Duration};

use comanda_postgres::PostgresSalesFigures;

use super::worker::{Period, Worker};

/// Adds what was sold to the summaries that reports read. One server at a time does; reports are exact whenever they
/// are made, and read from the orders what is not summarized yet.
pub fn summarize_sales(figures: Arc<PostgresSalesFigures>) -> Worker {
    /// The longer, the more orders share the work, and the more a report has to read beside the summaries.
    const PERIOD: Period = Period::of(Duration::from_secs(5));
    Worker::every(PERIOD, "summarize_sales", move || {
        let figures = Arc::clone(&figures);
        async move { figures.summarize().await }
    })
}
