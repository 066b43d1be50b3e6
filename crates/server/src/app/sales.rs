use std::sync::Arc;

use comanda_domain::ports::SalesFigures;
use comanda_postgres::{Database, PostgresSalesFigures};

use crate::workers::{Workers, measure_snapshots, summarize_sales};

pub(super) fn figures(database: &Database, workers: &mut Workers) -> Arc<dyn SalesFigures> {
    let figures = Arc::new(PostgresSalesFigures::new(database.clone()));
    workers.register(summarize_sales(figures.clone()));
    workers.register(measure_snapshots(database.clone(), figures.clone()));
    figures
}
