use std::{sync::Arc, time::Duration};

use comanda_application::{
    Payments,
    payments::{Duty, FailedWork, Round},
};
use comanda_domain::ports::WorkQueue;
use metrics::{Counter, counter};
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
    // Registered at once: an alert goes by their increase, which the first increment of a new counter is not.
    let counters = Duty::ALL.map(failures_of);
    while !context.is_cancelled() {
        let Round { more, failures } = payments.process().await;
        for FailedWork { duty, subject, cause } in &failures {
            counters[*duty as usize].increment(1);
            if let Some(subject) = subject {
                let duty = duty.as_str();
                tracing::error!(duty, subject, error = %cause, "work on a payment failed; it is attempted again later");
            }
        }
        // One row that fails again and again has an alert of its own.
        match failures.iter().find(|failure| failure.subject.is_none()) {
            None => context.succeeded(),
            Some(failure) => context.failed(&failure.cause),
        }
        if more {
            continue;
        }
        tokio::select! {
            () = waker.0.notified() => {}
            _ = context.pause(POLL_INTERVAL) => {}
        }
    }
}

fn failures_of(duty: Duty) -> Counter {
    counter!("comanda_payment_work_failures_total", "duty" => duty.as_str())
}
