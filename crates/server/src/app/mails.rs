use std::sync::Arc;

use comanda_application::Mails;
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
    let mails =
        Mails { mails: stored, sender, tokens: tokens(), lockouts, clock, retries: config.outbox.mail_retries() };
    workers.register(send_mails(mails, waker));
}
