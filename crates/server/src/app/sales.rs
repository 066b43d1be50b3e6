use std::sync::Arc;

use comanda_domain::ports::SalesFigures;
use comanda_postgres::{Database, PostgresSalesFigures};

pub(super) fn figures(database: &Database) -> Arc<dyn SalesFigures> {
    let figures = PostgresSalesFigures::new(database.clone());
    figures.keep_summarizing();
    Arc::new(figures)
}
