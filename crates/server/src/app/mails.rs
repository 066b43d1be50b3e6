use std::{sync::Arc, time::Duration};

use comanda_application::{Mails, events::RetryTerms};
use comanda_domain::ports::{self, Clock, Lockouts, MailSender, MailTokens};
use comanda_identity::RandomMailTokens;
use comanda_notify::MailNotifier;
use comanda_postgres::{Database, PostgresMails};

use crate::{
    config::Config,
    workers::{MailsWaker, Workers, send_mails},
};

pub(super) fn stored(database: &Database, config: &Config) -> Arc<PostgresMails> {
    Arc::new(PostgresMails::new(database.clone(), config.mail.limits()))
}

pub(super) fn tokens() -> Arc<dyn MailTokens> {
    Arc::new(RandomMailTokens)
}

/// Where nobody is written to, mails are recorded all the same.
pub(super) fn register(
    config: &Config,
    stored: Arc<dyn ports::Mails>,
    sender: Option<Arc<MailNotifier>>,
    lockouts: Arc<dyn Lockouts>,
    clock: Arc<dyn Clock>,
    waker: MailsWaker,
    workers: &mut Workers,
) {
    let sender = sender.map(|sender| sender as Arc<dyn MailSender>);
    // Nobody can resend a mail to an account, so an outage of hours must not use up its attempts: beginning with a
    // second, these are spread over six and a half. Mails are kept for a day, and their tokens are made when they are
    // sent.
    let retries = RetryTerms { longest_pause: Duration::from_mins(30), attempts: 24, ..config.outbox.retries() };
    let mails = Mails { mails: stored, sender, tokens: tokens(), lockouts, clock, retries };
    workers.register(send_mails(mails, waker));
}
