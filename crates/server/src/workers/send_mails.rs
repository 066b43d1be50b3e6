use std::{sync::Arc, time::Duration};

use comanda_application::{
    Mails,
    mails::{Attempted, Sent},
};
use comanda_domain::ports::{Unavailable, WorkQueue};
use comanda_task::isolated;
use tokio::sync::Notify;

use super::worker::{Context, Worker};

/// Mails that other servers recorded, or that nobody announced, are found within this time.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Wakes [`send_mails`]: a mail was recorded.
#[derive(Clone, Default)]
pub struct MailsWaker(Arc<Notify>);

impl WorkQueue for MailsWaker {
    fn wake(&self) {
        self.0.notify_one();
    }
}

/// Sends the mails to accounts that are recorded, and lifts the locks of addresses whose passwords were reset. It
/// starts from the tables alone, so a mail is sent even if the server that recorded it is gone.
pub fn send_mails(mails: Mails, waker: MailsWaker) -> Worker {
    Worker::new("send_mails", move |context| run(mails.clone(), waker.clone(), context))
}

async fn run(mails: Mails, waker: MailsWaker, context: Context) {
    // Counted from nothing, so that an alert sees the first one.
    metrics::counter!("comanda_account_mails_total", "outcome" => "given_up").increment(0);
    while !context.is_cancelled() {
        let sent = isolated(send(&mails, &context), Unavailable::new).await;
        // Last: while Redis is gone no lock can be lifted, and mails are sent all the same.
        let lifted = isolated(mails.lift_locks(), Unavailable::new).await;
        match sent.and(lifted) {
            Ok(()) => context.succeeded(),
            Err(error) => context.failed(&error),
        }
        tokio::select! {
            () = waker.0.notified() => {}
            _ = context.pause(POLL_INTERVAL) => {}
        }
    }
}

async fn send(mails: &Mails, context: &Context) -> Result<(), Unavailable> {
    while !context.is_cancelled()
        && let Some(Attempted { id, kind, account_id, outcome }) = mails.send_next().await?
    {
        // Whom it was for says the account: addresses are not logged.
        let outcome = match outcome {
            Sent::Sent => "sent",
            Sent::Later(error) => {
                tracing::warn!(mail = %id, %kind, %error, "a mail to an account cannot be sent now; it is tried again");
                "later"
            }
            Sent::GivenUp(error) => {
                tracing::error!(mail = %id, %kind, account = %account_id, %error, "a mail to an account is given up");
                "given_up"
            }
        };
        metrics::counter!("comanda_account_mails_total", "outcome" => outcome).increment(1);
        // The backlog may take long.
        context.succeeded();
    }
    Ok(())
}
