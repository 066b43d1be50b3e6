use std::sync::Arc;

use anyhow::Context;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use comanda_application::{Events, events::Subscriber};
use comanda_domain::ports::{Clock, MailAllowance, Notifier, Outbox};
use comanda_notify::{MailNotifier, WebhookNotifier};
use comanda_postgres::{Database, PostgresOutbox};
use comanda_resilience::{Breaker, GuardedNotifier};
use sha2::{Digest, Sha256};
use url::Url;

use crate::{
    config::{Config, MailSettings, Receiver, WebhookSettings},
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

/// Each subscriber has a breaker of its own: one that is gone keeps no other waiting.
pub(super) fn register_delivery(
    config: &Config,
    events: &Events,
    mail: Option<Arc<MailNotifier>>,
    workers: &mut Workers,
) -> anyhow::Result<()> {
    let settings = &config.outbox;
    workers.register(measure_outbox(events.clone()));
    for (number, (name, formerly, notifier)) in (1..).zip(notifiers(config, mail)?) {
        let breaker = Breaker::towards(&name, "notifications", config.breakers.notifications);
        let notifier = Arc::new(GuardedNotifier { notifier, breaker });
        let to = Subscriber { name, formerly, notifier };
        workers.register(deliver_events(number, events.clone(), to, settings.per_second));
    }
    Ok(())
}

/// The names of the subscribers, which stay.
pub(super) fn subscribers(mail: &MailSettings, webhooks: &WebhookSettings) -> Vec<String> {
    let mail = mail.sends().then(|| MAIL.to_owned());
    mail.into_iter().chain(webhooks.receivers.iter().map(name)).collect()
}

/// The name under which mails about orders wait.
const MAIL: &str = "mail";

/// The subscribers of events: their names, their former names, and what notifies them.
type Notifiers = Vec<(String, Option<String>, Arc<dyn Notifier>)>;

fn notifiers(config: &Config, mail: Option<Arc<MailNotifier>>) -> anyhow::Result<Notifiers> {
    let mut notifiers: Notifiers = Vec::new();
    if let Some(mail) = mail {
        notifiers.push((MAIL.to_owned(), None, mail));
    }
    let webhooks = &config.webhooks;
    for (receiver, webhook) in webhooks.receivers.iter().zip(webhooks.configs(config.outbox.timeout)) {
        let formerly = receiver.name.is_some().then(|| name_by_url(&receiver.url));
        let notifier = Arc::new(WebhookNotifier::new(webhook).context("WEBHOOK_URLS")?);
        notifiers.push((name(receiver), formerly, notifier));
    }
    Ok(notifiers)
}

fn name(receiver: &Receiver) -> String {
    receiver.name.as_ref().map_or_else(|| name_by_url(&receiver.url), ToString::to_string)
}

/// The whole address may contain a secret of the receiver's.
fn name_by_url(url: &Url) -> String {
    let digest = BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(url.as_str())[..6]);
    format!("webhook:{}:{digest}", url.host_str().unwrap_or_default())
}
