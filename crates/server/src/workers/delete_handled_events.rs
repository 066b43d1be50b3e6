use std::time::Duration;

use comanda_application::Payments;

use super::worker::{Period, Worker};

/// Deletes events of the payment gateway that were handled long ago.
pub fn delete_handled_events(payments: Payments) -> Worker {
    const PERIOD: Period = Period::of(Duration::from_mins(1));
    Worker::every(PERIOD, "delete_handled_events", move || {
        let payments = payments.clone();
        async move { payments.delete_handled().await.map(|_| ()) }
    })
}
