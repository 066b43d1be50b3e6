//! Webhooks that deliver events to other systems.

use std::time::Duration;

use comanda_notify::{NetworkGuard, WebhookConfig, WebhookSecret};
use ipnet::IpNet;

use super::{reader::Reader, receiver::Receiver, setting::settings};
use crate::traces;

settings! {
    /// Which systems receive events, and how.
    pub struct WebhookSettings checked by check {
        WEBHOOK_URLS => receivers: Vec<Receiver> = "",
            "Receivers of events, as signed CloudEvents. Give each a name, `kitchen=https://…`: what waits for it \
             then stays its own if the URL changes. Without a name, another URL is another receiver.";
        WEBHOOK_SECRET => secrets: Vec<WebhookSecret> = "",
            "`whsec_…`, 24 to 64 random bytes in base64 (Standard Webhooks), which signs events; while it is being \
             replaced, the new and the old one, separated by commas: each event is signed with both.";
        WEBHOOK_ALLOWED_NETWORKS => networks: Vec<IpNet> = "",
            "Networks that webhooks may reach although they are not public, separated by commas, such as \
             `10.1.0.0/16`; plain http is allowed within them.";
        EVENT_SOURCE => source: String = "/comanda",
            "The `source` of events: which restaurant they come from.";
    }
}

fn check(draft: &Draft, reader: &mut Reader) {
    let (Some(receivers), Some(networks)) = (&draft.receivers, &draft.networks) else { return };
    let guard = NetworkGuard::new(networks.clone());
    for (position, Receiver { name, url }) in (1..).zip(receivers) {
        if let Some(name) = name
            && receivers.iter().take(position - 1).any(|earlier| earlier.name.as_ref() == Some(name))
        {
            reader.mistake(&WEBHOOK_URLS, format!("two receivers are called {name}"));
        }
        if let Err(why) = guard.check(url) {
            // The whole URL may hold a secret of the receiver's.
            reader.mistake(&WEBHOOK_URLS, format!("URL {position} ({}) {why}", url.host_str().unwrap_or_default()));
        }
    }
    if !receivers.is_empty() && draft.secrets.as_ref().is_some_and(Vec::is_empty) {
        reader.mistake(&WEBHOOK_SECRET, "must be set if WEBHOOK_URLS is");
    }
}

impl WebhookSettings {
    /// One per receiver.
    pub fn configs(&self, timeout: Duration) -> Vec<WebhookConfig> {
        let config = |receiver: &Receiver| WebhookConfig {
            url: receiver.url.clone(),
            secrets: self.secrets.clone(),
            timeout,
            source: self.source.clone(),
            guard: NetworkGuard::new(self.networks.clone()),
            traceparent: traces::traceparent,
        };
        self.receivers.iter().map(config).collect()
    }
}
