use std::{str::FromStr, time::Duration};

use super::{Mode, Reader, Secret, settings as s};

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

#[derive(Clone, Debug)]
pub struct PaymentSettings {
    pub gateway: Gateway,
    pub window: Duration,
    pub stripe_key: Secret,
    pub webhook_secrets: Secret,
    pub stripe_url: String,
    pub stripe_timeout: Duration,
}

pub(super) fn payments(reader: &mut Reader) -> PaymentSettings {
    let mode = reader.parsed(&s::MODE, Mode::Production);
    let gateway = reader.parsed(&s::PAYMENT_GATEWAY, Gateway::None);
    if gateway == Gateway::Offline && mode == Mode::Production {
        reader.mistake(&s::PAYMENT_GATEWAY, "offline takes no money: set MODE=development if that is meant");
    }
    let stripe_key = reader.secret(&s::STRIPE_SECRET_KEY);
    if gateway == Gateway::Stripe && stripe_key.expose().is_empty() {
        reader.mistake(&s::STRIPE_SECRET_KEY, "must be set where Stripe takes cards");
    }
    let webhook_secrets = reader.secret(&s::STRIPE_WEBHOOK_SECRETS);
    if gateway == Gateway::Stripe && webhook_secrets.expose().is_empty() {
        reader
            .mistake(&s::STRIPE_WEBHOOK_SECRETS, "must be set where Stripe takes cards: nobody would hear of payments");
    }
    PaymentSettings {
        gateway,
        window: Duration::from_secs(reader.in_range(&s::PAYMENT_WINDOW_SECONDS, 1..=86_400)),
        stripe_key,
        webhook_secrets,
        stripe_url: reader.text(&s::STRIPE_API_URL),
        stripe_timeout: reader.milliseconds(&s::STRIPE_TIMEOUT_MS, 100..=9_000),
    }
}
