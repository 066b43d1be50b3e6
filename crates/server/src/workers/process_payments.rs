use std::{sync::Arc, time::Duration};

use comanda_application::Payments;
use comanda_domain::ports::WorkQueue;
use tokio::sync::Notify;

use super::worker::{Context, Worker};

/// Work that other servers left, or that nobody announced, is found within this time.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Wakes [`process_payments`]: there is work that should not wait for the next poll.
#[derive(Clone, Default)]
pub struct PaymentsWaker(Arc<Notify>);

impl WorkQueue for PaymentsWaker {
    fn wake(&self) {
        self.0.notify_one();
    }
}

/// Does what has to be done with the payment gateway, and cancels overdue orders.
pub fn process_payments(payments: Payments, waker: PaymentsWaker) -> Worker {
    Worker::new("process_payments", move |context| run(payments.clone(), waker.clone(), context))
}

async fn run(payments: Payments, waker: PaymentsWaker, context: Context) {
    while !context.is_cancelled() {
        match payments.process().await {
            Ok(there_is_more) => {
                context.succeeded();
                if there_is_more {
                    continue;
                }
            }
            Err(error) => context.failed(&error),
        }
        tokio::select! {
            () = waker.0.notified() => {}
            _ = context.pause(POLL_INTERVAL) => {}
        }
    }
}
