//! Card payments.

use std::{str::FromStr, time::Duration};

use comanda_domain::{Currency, PaymentTerms};
use comanda_stripe::StripeConfig;

use super::{http_url::HttpUrl, reader::Reader, secret::Secret, setting::settings};
use crate::traces;

settings! {
    /// Who takes card payments.
    pub struct PaymentSettings checked by check {
        PAYMENT_GATEWAY => gateway: Gateway = "none",
            "Who takes cards: `stripe`; `none`, if orders are paid at the counter; or, in development, `offline`, \
             where card payments are simulated and no money moves.";
        PAYMENT_WINDOW_SECONDS => window: Duration in 1..=86_400 s = 900,
            "How long an order waits for its card payment before it is cancelled and its stock is returned.";
        UNPAID_ORDER_MINUTES => unpaid: Duration in 1..=10_080 minutes = 60,
            "How long an order that nobody has accepted and that no card payment was begun for waits to be paid, \
             before it is cancelled and its stock is returned.";
        STRIPE_SECRET_KEY => stripe_key: Option<Secret> = "",
            "Stripe's secret key, `sk_…`.";
        STRIPE_WEBHOOK_SECRETS => webhook_secrets: Vec<Secret> = "",
            "The signing secret `whsec_…` of the endpoint `/v1/webhooks/stripe`; while it is being replaced, the \
             old and the new one, separated by commas.";
        STRIPE_API_URL => stripe_url: HttpUrl = "https://api.stripe.com",
            "Where Stripe's API is.";
        STRIPE_TIMEOUT_MS => stripe_timeout: Duration in 100..=9_000 ms = 4_000,
            "How long Stripe may take to respond.";
    }
}

/// Who takes cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gateway {
    None,
    Offline,
    Stripe,
}

impl FromStr for Gateway {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self::None),
            "offline" => Ok(Self::Offline),
            "stripe" => Ok(Self::Stripe),
            _ => Err("must be none, offline or stripe"),
        }
    }
}

fn check(draft: &Draft, reader: &mut Reader) {
    if draft.gateway == Some(Gateway::Offline) && reader.is_production() {
        reader.mistake(&PAYMENT_GATEWAY, "offline takes no money: set MODE=development if that is meant");
    }
    if let Some(Some(key)) = &draft.stripe_key
        && !key.expose().bytes().all(|byte| byte.is_ascii_graphic())
    {
        reader.mistake(&STRIPE_SECRET_KEY, "must be visible ASCII characters, such as sk_…");
    }
    if draft.gateway != Some(Gateway::Stripe) {
        return;
    }
    if draft.stripe_key.as_ref().is_some_and(Option::is_none) {
        reader.mistake(&STRIPE_SECRET_KEY, "must be set if Stripe takes cards");
    }
    if draft.webhook_secrets.as_ref().is_some_and(Vec::is_empty) {
        let what = "must be set if Stripe takes cards: nobody would hear of payments";
        reader.mistake(&STRIPE_WEBHOOK_SECRETS, what);
    }
    if draft.stripe_url.as_ref().is_some_and(|url| !url.is_https()) && reader.is_production() {
        let what = "the secret key would be sent without TLS: use https, or set MODE=development if that is meant";
        reader.mistake(&STRIPE_API_URL, what);
    }
}

impl PaymentSettings {
    pub fn terms(&self) -> PaymentTerms {
        PaymentTerms { card: self.window, unpaid: self.unpaid }
    }

    pub fn webhook_secrets(&self) -> Vec<String> {
        self.webhook_secrets.iter().map(|secret| secret.expose().to_owned()).collect()
    }

    /// For payments in `currency`.
    pub fn stripe(&self, currency: Currency) -> StripeConfig {
        StripeConfig {
            base_url: self.stripe_url.as_str().to_owned(),
            secret_key: self.stripe_key.as_ref().map_or_else(String::new, |key| key.expose().to_owned()),
            webhook_secrets: self.webhook_secrets(),
            timeout: self.stripe_timeout,
            currency,
            traceparent: traces::traceparent,
        }
    }
}
