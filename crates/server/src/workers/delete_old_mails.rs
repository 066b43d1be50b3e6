use std::time::Duration;

use comanda_application::Mails;

use super::worker::{Period, Worker};

/// Deletes mails and mail tokens that are of no use any more.
pub fn delete_old_mails(mails: Mails) -> Worker {
    const PERIOD: Period = Period::of(Duration::from_mins(1));
    Worker::every(PERIOD, "delete_old_mails", move || {
        let mails = mails.clone();
        async move {
            let deleted = mails.delete_old().await?;
            metrics::counter!("comanda_mails_deleted_total").increment(deleted);
            Ok::<(), comanda_domain::ports::Unavailable>(())
        }
    })
}
