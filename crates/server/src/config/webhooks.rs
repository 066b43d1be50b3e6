//! Webhooks that deliver events to other systems.

use std::time::Duration;

use comanda_notify::{NetworkGuard, WebhookConfig, WebhookSecret};
use ipnet::IpNet;
use url::Url;

use super::{reader::Reader, setting::settings};
use crate::traces;

settings! {
    /// Which systems receive events, and how.
    pub struct WebhookSettings checked by check {
        WEBHOOK_URLS => urls: Vec<Url> = "",
            "Receivers of events, as signed CloudEvents; URLs separated by commas.";
        WEBHOOK_SECRET => secret: Option<WebhookSecret> = "",
            "`whsec_…`, 24 to 64 random bytes in base64 (Standard Webhooks), which signs events.";
        WEBHOOK_ALLOWED_NETWORKS => networks: Vec<IpNet> = "",
            "Networks that webhooks may reach although they are not public, separated by commas, such as \
             `10.1.0.0/16`; plain http is allowed within them.";
        EVENT_SOURCE => source: String = "/comanda",
            "The `source` of events: which restaurant they come from.";
    }
}

fn check(draft: &Draft, reader: &mut Reader) {
    let (Some(urls), Some(networks)) = (&draft.urls, &draft.networks) else { return };
    let guard = NetworkGuard::new(networks.clone());
    for (position, url) in (1..).zip(urls) {
        if let Err(why) = guard.check(url) {
            // The whole URL may hold a secret of the receiver's.
            reader.mistake(&WEBHOOK_URLS, format!("URL {position} ({}) {why}", url.host_str().unwrap_or_default()));
        }
    }
    if !urls.is_empty() && matches!(draft.secret, Some(None)) {
        reader.mistake(&WEBHOOK_SECRET, "must be set if WEBHOOK_URLS is");
    }
}

impl WebhookSettings {
    /// One per receiver; none without a secret.
    pub fn configs(&self, timeout: Duration) -> Vec<WebhookConfig> {
        let config = |url: &Url, secret: &WebhookSecret| WebhookConfig {
            url: url.clone(),
            secret: secret.clone(),
            timeout,
            source: self.source.clone(),
            guard: NetworkGuard::new(self.networks.clone()),
            traceparent: traces::traceparent,
        };
        self.secret.iter().flat_map(|secret| self.urls.iter().map(move |url| config(url, secret))).collect()
    }
}
