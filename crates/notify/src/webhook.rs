//! Webhooks, signed according to the Standard Webhooks specification
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

use std::time::Duration;

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use comanda_domain::{
    Event, Timestamp,
    ports::{Notifier, NotifyError, Unavailable},
};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use sha2::Sha256;
use thiserror::Error;
use url::Url;

use crate::{
    cloud_event::{self, MEDIA_TYPE},
    network_guard::NetworkGuard,
};

/// The target of webhooks, and how to send them.
#[derive(Clone, Debug)]
pub struct WebhookConfig {
    /// The target, which the guard must permit.
    pub url: Url,
    /// The keys of the signatures: the old one as well while a receiver may not have the new one yet. Not empty.
    pub secrets: Vec<WebhookSecret>,
    /// How long a response may take.
    pub timeout: Duration,
    /// The `source` of the events, which identifies this deployment.
    pub source: String,
    /// Decides which addresses may be contacted.
    pub guard: NetworkGuard,
    /// Returns the current span (W3C trace context) if it is traced.
    pub traceparent: fn() -> Option<String>,
}

/// The key of the signatures: `whsec_` and 24 to 64 bytes in base64. Never logged.
#[derive(Clone)]
pub struct WebhookSecret(Vec<u8>);

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

/// The text is not a webhook secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be whsec_ and 24 to 64 random bytes in base64")]
pub struct NotAWebhookSecret;

impl std::str::FromStr for WebhookSecret {
    type Err = NotAWebhookSecret;

    fn from_str(text: &str) -> Result<Self, NotAWebhookSecret> {
        let encoded = text.strip_prefix("whsec_").ok_or(NotAWebhookSecret)?;
        let key = BASE64_STANDARD.decode(encoded).map_err(|_| NotAWebhookSecret)?;
        // Random bytes are hardly ever the same; a repeated text is no secret.
        let different = key.iter().collect::<std::collections::BTreeSet<_>>().len();
        if (24..=64).contains(&key.len()) && different >= 8 { Ok(Self(key)) } else { Err(NotAWebhookSecret) }
    }
}

impl WebhookSecret {
    /// The signature of a message that is sent at `now`: `v1,` and base64.
    #[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "HMAC accepts keys of any length")]
    pub fn sign(&self, id: &str, now: Timestamp, body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length");
        mac.update(format!("{id}.{}.{body}", now.timestamp()).as_bytes());
        format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// Sends events to one target.
pub struct WebhookNotifier {
    http: Client,
    config: WebhookConfig,
}

#[derive(Debug, Error)]
enum Unusable {
    #[error("the webhook target {0}")]
    Target(&'static str),
    #[error("cannot send webhooks: {0}")]
    Client(reqwest::Error),
}

impl WebhookNotifier {
    /// Fails if the guard does not permit the target.
    pub fn new(config: WebhookConfig) -> Result<Self, Unavailable> {
        config.guard.check(&config.url).map_err(|why| Unavailable::new(Unusable::Target(why)))?;
        // Fails if another part of the program has installed a provider before, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .timeout(config.timeout)
            .connect_timeout(config.timeout.min(Duration::from_secs(3)))
            // A redirect could lead anywhere.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(config.guard.clone())
            .build()
            .map_err(|error| Unavailable::new(Unusable::Client(error)))?;
        Ok(Self { http, config })
    }

    fn signature(&self, id: &str, now: Timestamp, body: &str) -> String {
        // The receiver has one of the keys, and looks for its signature.
        self.config.secrets.iter().map(|secret| secret.sign(id, now, body)).collect::<Vec<_>>().join(" ")
    }
}

#[async_trait]
impl Notifier for WebhookNotifier {
    async fn notify(&self, event: &Event) -> Result<(), NotifyError> {
        let (id, now) = (cloud_event::id(event, &self.config.source), chrono::Utc::now());
        let body = cloud_event::document(event, &self.config.source).to_string();
        let request = self
            .http
            .post(self.config.url.clone())
            .header("content-type", MEDIA_TYPE)
            .header("webhook-id", &id)
            .header("webhook-timestamp", now.timestamp().to_string())
            .header("webhook-signature", self.signature(&id, now, &body))
            .body(body);
        let request = match (self.config.traceparent)() {
            Some(span) => request.header("traceparent", span),
            None => request,
        };
        let response = request.send().await.map_err(|error| Unavailable::new(error.without_url()))?;
        match response.status() {
            status if status.is_success() => Ok(()),
            status if status.is_server_error() || matches!(status.as_u16(), 408 | 429) => {
                Err(Unavailable::new(format!("the receiver responded with {status}")).into())
            }
            status => Err(NotifyError::Rejected(format!("the receiver responded with {status}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn notifier(secrets: &[&str]) -> WebhookNotifier {
        WebhookNotifier::new(WebhookConfig {
            url: "https://kitchen.example/hook".parse().unwrap(),
            secrets: secrets.iter().map(|secret| secret.parse().unwrap()).collect(),
            timeout: Duration::from_secs(1),
            source: "/comanda".to_owned(),
            guard: NetworkGuard::new(Vec::new()),
            traceparent: || None,
        })
        .unwrap()
    }

    /// The example from the specification, which its reference libraries are tested with.
    #[test]
    fn signatures_match_the_specification() {
        let notifier = notifier(&["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]);
        let now = DateTime::from_timestamp(1_614_265_330, 0).unwrap();
        let signature = notifier.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", now, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn while_a_secret_is_replaced_both_sign() {
        const SECRETS: [&str; 2] =
            ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDMdQtYxHKL1c=", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"];
        let now = DateTime::from_timestamp(1_614_265_330, 0).unwrap();
        let signed_by = |secrets: &[&str]| notifier(secrets).signature("msg_1", now, "{}");
        let [new, old] = SECRETS.map(|secret| signed_by(&[secret]));
        assert_eq!(signed_by(&SECRETS), format!("{new} {old}"));
        assert_ne!(new, old);
    }

    /// 24 times the same byte.
    const REPEATED: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn a_secret_that_could_be_guessed_is_refused() {
        for text in ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!!", REPEATED] {
            assert!(text.parse::<WebhookSecret>().is_err(), "{text}");
        }
        assert!(!format!("{:?}", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse::<WebhookSecret>()).contains("Mf"));
    }

    #[test]
    fn a_target_inside_the_network_is_refused() {
        let config = WebhookConfig {
            url: "http://127.0.0.1:9/".parse().unwrap(),
            ..notifier(&["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]).config
        };
        assert!(WebhookNotifier::new(config).is_err());
    }
}
