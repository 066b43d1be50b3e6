use std::{sync::Arc, time::Duration};

use comanda_application::operations::Retention;
use comanda_domain::{Perishable, ports::Unavailable};
use metrics::counter;

use super::worker::{Context, Worker};

/// How long to wait when nothing is left to delete.
const PERIOD: Duration = Duration::from_secs(10);

/// Between two batches, for whoever else needs the disk: 5,000 rows a second at most.
const BREATH: Duration = Duration::from_millis(100);

/// Deletes what is of no use any more. One server at a time does.
pub fn delete_old_rows(retention: Retention) -> Worker {
    let retention = Arc::new(retention);
    Worker::new("delete_old_rows", move |context| run(Arc::clone(&retention), context))
}

async fn run(retention: Arc<Retention>, context: Context) {
    loop {
        match round(&retention, &context).await {
            Ok(()) => context.succeeded(),
            Err(error) => context.failed(&error),
        }
        if context.pause(PERIOD).await.is_cancelled() {
            break;
        }
    }
}

/// Deletes all that can be deleted now. What cannot be deleted in one table keeps nothing in another.
async fn round(retention: &Retention, context: &Context) -> Result<(), Unavailable> {
    retention.see_subscribers().await?;
    let mut outcome = Ok(());
    for what in Perishable::ALL {
        outcome = outcome.and(delete(retention, what, context).await);
        if context.is_cancelled() {
            break;
        }
    }
    outcome
}

async fn delete(retention: &Retention, what: Perishable, context: &Context) -> Result<(), Unavailable> {
    let rows = counter!("comanda_rows_deleted_total", "table" => what.as_str());
    // `None`: another server does.
    while let Some(deleted) = retention.delete_some(what).await? {
        rows.increment(deleted.rows);
        if !deleted.more || context.pause(BREATH).await.is_cancelled() {
            break;
        }
    }
    Ok(())
}
