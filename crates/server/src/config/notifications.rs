use std::{path::PathBuf, time::Duration};

use comanda_application::events::RetryTerms;
use comanda_notify::{Language, WebhookSecret};
use ipnet::IpNet;
use url::Url;

use super::{Mode, Reader, Secret, settings as s};

#[derive(Clone, Debug)]
pub struct NotificationSettings {
    /// `None`: customers are not written to.
    pub mail: Option<MailSettings>,
    pub webhooks: Vec<Url>,
    pub webhook_secret: Option<WebhookSecret>,
    pub webhook_networks: Vec<IpNet>,
    pub source: String,
    pub timeout: Duration,
    pub per_second: u32,
    pub retries: RetryTerms,
}

#[derive(Clone, Debug)]
pub struct MailSettings {
    pub transport: MailWay,
    pub from: String,
    pub language: Language,
}

/// How mails leave.
#[derive(Clone, Debug)]
pub enum MailWay {
    Smtp(Secret),
    Folder(PathBuf),
}

pub(super) fn notifications(reader: &mut Reader) -> NotificationSettings {
    let mode = reader.parsed(&s::MODE, Mode::Production);
    let (url, folder) = (reader.secret(&s::MAIL_URL), reader.text(&s::MAIL_FOLDER));
    if !folder.is_empty() && mode == Mode::Production {
        reader.mistake(&s::MAIL_FOLDER, "mails in a folder reach nobody: set MODE=development if that is meant");
    }
    let transport = match (url.expose().is_empty(), folder.is_empty()) {
        (false, _) => Some(MailWay::Smtp(url)),
        (true, false) => Some(MailWay::Folder(PathBuf::from(folder))),
        (true, true) => None,
    };
    let (from, language) = (reader.text(&s::MAIL_FROM), reader.parsed(&s::MAIL_LANGUAGE, Language::English));
    let webhooks: Vec<Url> = reader.list(&s::WEBHOOK_URLS);
    let secret = reader.secret(&s::WEBHOOK_SECRET);
    let webhook_secret = match secret.expose().parse() {
        Ok(secret) => Some(secret),
        Err(_) if secret.expose().is_empty() && webhooks.is_empty() => None,
        Err(error) => {
            reader.mistake(&s::WEBHOOK_SECRET, error);
            None
        }
    };
    NotificationSettings {
        mail: transport.map(|transport| MailSettings { transport, from, language }),
        webhooks,
        webhook_secret,
        webhook_networks: reader.list(&s::WEBHOOK_ALLOWED_NETWORKS),
        source: reader.text(&s::EVENT_SOURCE),
        timeout: reader.milliseconds(&s::NOTIFY_TIMEOUT_MS, 100..=60_000),
        per_second: reader.in_range(&s::OUTBOX_PER_SECOND, 1..=1_000_000),
        retries: RetryTerms {
            first_pause: reader.milliseconds(&s::OUTBOX_FIRST_PAUSE_MS, 1..=600_000),
            longest_pause: Duration::from_mins(10),
            attempts: reader.in_range(&s::OUTBOX_ATTEMPTS, 1..=1000),
        },
    }
}
