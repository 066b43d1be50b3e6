use std::sync::Arc;

use anyhow::Context;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use comanda_application::{Events, events::Subscriber};
use comanda_domain::ports::{Clock, MailAllowance, Notifier, Outbox};
use comanda_notify::{MailNotifier, WebhookNotifier};
use comanda_postgres::{Database, PostgresOutbox};
use comanda_resilience::{Breaker, GuardedNotifier};
use sha2::{Digest, Sha256};

use crate::{
    config::Config,
    workers::{Workers, deliver_events, measure_outbox},
};

pub(super) fn outbox(database: &Database) -> Arc<dyn Outbox> {
    Arc::new(PostgresOutbox::new(database.clone()))
}

/// What sends mails; `None`: nobody is written to.
pub(super) fn mail(
    config: &Config,
    allowance: Arc<dyn MailAllowance>,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Option<Arc<MailNotifier>>> {
    let Some(mail) = config.mail.config(config.outbox.timeout) else { return Ok(None) };
    let notifier = MailNotifier::new(mail, allowance, Arc::clone(clock)).context("cannot write mails")?;
    Ok(Some(Arc::new(notifier)))
}

/// Each subscriber has a breaker of its own: one that is gone keeps no other waiting. Returns their names.
pub(super) fn register_delivery(
    config: &Config,
    events: &Events,
    mail: Option<Arc<MailNotifier>>,
    workers: &mut Workers,
) -> anyhow::Result<Vec<String>> {
    let settings = &config.outbox;
    let mut subscribers = Vec::new();
    for (name, notifier) in notifiers(config, mail)? {
        let breaker = Breaker::towards(&name, "notifications", config.breakers.notifications);
        let notifier = Arc::new(GuardedNotifier { notifier, breaker });
        subscribers.push(Subscriber { name, notifier });
    }
    let names: Vec<String> = subscribers.iter().map(|subscriber| subscriber.name.clone()).collect();
    if !subscribers.is_empty() {
        workers.register(measure_outbox(events.outbox.clone(), names.clone()));
        for (number, to) in (1..).zip(subscribers) {
            workers.register(deliver_events(number, events.clone(), to, settings.per_second));
        }
    }
    Ok(names)
}

/// The subscribers of events, by names that stay.
fn notifiers(config: &Config, mail: Option<Arc<MailNotifier>>) -> anyhow::Result<Vec<(String, Arc<dyn Notifier>)>> {
    let mut notifiers: Vec<(String, Arc<dyn Notifier>)> = Vec::new();
    let timeout = config.outbox.timeout;
    if let Some(mail) = mail {
        notifiers.push(("mail".to_owned(), mail));
    }
    for webhook in config.webhooks.configs(timeout) {
        let url = &webhook.url;
        // The whole address may contain a secret of the receiver's.
        let digest = BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(url.as_str())[..6]);
        let name = format!("webhook:{}:{digest}", url.host_str().unwrap_or_default());
        notifiers.push((name, Arc::new(WebhookNotifier::new(webhook).context("WEBHOOK_URLS")?)));
    }
    Ok(notifiers)
}
