//! Card payments.

use std::{str::FromStr, time::Duration};

use comanda_domain::{Currency, PaymentTerms};
use comanda_stripe::{NotAStripeCurrency, StripeConfig, StripeCurrency};

use super::{http_url::HttpUrl, publishable_key::PublishableKey, reader::Reader, secret::Secret, setting::settings};
use crate::{http::Cards, traces};

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
        STRIPE_PUBLISHABLE_KEY => publishable_key: Option<PublishableKey> = "",
            "Stripe's publishable key, `pk_…`, of the same account. With it, the page for customers takes cards; \
             without it, they pay at the counter there, and programs can still take cards.";
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
    if let (Some(Some(secret)), Some(Some(publishable))) = (&draft.stripe_key, &draft.publishable_key)
        && let (Some(secret), Some(publishable)) = (key_mode(secret.expose()), key_mode(publishable.as_str()))
        && secret != publishable
    {
        let what = "must be of the same mode as the secret key, live or test: nobody could pay";
        reader.mistake(&STRIPE_PUBLISHABLE_KEY, what);
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
    if let Some(Err(error)) = reader.currency().map(StripeCurrency::try_from) {
        reader.mistake(&PAYMENT_GATEWAY, error);
    }
    if draft.stripe_url.as_ref().is_some_and(|url| !url.is_https()) && reader.is_production() {
        let what = "the secret key would be sent without TLS: use https, or set MODE=development if that is meant";
        reader.mistake(&STRIPE_API_URL, what);
    }
}

/// `live` or `test`, as in `sk_live_…`.
fn key_mode(key: &str) -> Option<&str> {
    key.split('_').nth(1).filter(|mode| ["live", "test"].contains(mode))
}

impl PaymentSettings {
    /// How pages take cards.
    pub fn cards(&self) -> Cards {
        match (self.gateway, &self.publishable_key) {
            (Gateway::Offline, _) => Cards::Simulated,
            (Gateway::Stripe, Some(key)) => Cards::Stripe { publishable_key: key.as_str().to_owned() },
            (Gateway::Stripe, None) | (Gateway::None, _) => Cards::NotOnPages,
        }
    }

    pub fn terms(&self) -> PaymentTerms {
        PaymentTerms { card: self.window, unpaid: self.unpaid }
    }

    pub fn webhook_secrets(&self) -> Vec<String> {
        self.webhook_secrets.iter().map(|secret| secret.expose().to_owned()).collect()
    }

    /// For payments in `currency`.
    pub fn stripe(&self, currency: Currency) -> Result<StripeConfig, NotAStripeCurrency> {
        Ok(StripeConfig {
            base_url: self.stripe_url.as_str().to_owned(),
            secret_key: self.stripe_key.as_ref().map_or_else(String::new, |key| key.expose().to_owned()),
            webhook_secrets: self.webhook_secrets(),
            timeout: self.stripe_timeout,
            currency: currency.try_into()?,
            traceparent: traces::traceparent,
        })
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::Money;

    use super::*;
    use crate::config::iso_4217::{CURRENCIES, WITHDRAWN};

    /// The list of "supported presentment currencies" of <https://docs.stripe.com/currencies>, in its order, with the
    /// three-decimal currencies and the guilder that replaces ANG.
    const CHARGED: &str = "USD AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BIF BMD BND BOB BRL BSD BWP BYN \
         BZD CAD CDF CHF CLP CNY COP CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD \
         HNL HTG HUF IDR ILS INR ISK JMD JPY KES KGS KHR KMF KRW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT \
         MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD \
         SCR SEK SGD SHP SLE SOS SRD STD SZL THB TJS TOP TRY TTD TWD TZS UAH UGX UYU UZS VND VUV WST XAF XCD XOF XPF \
         YER ZAR ZMW BHD JOD KWD OMR TND XCG";

    /// What one unit of a currency is at Stripe: "zero-decimal", "three-decimal", and two digits for all others, the
    /// "special cases" ISK and UGX included.
    fn one(code: &str) -> i64 {
        match code {
            "BIF" | "CLP" | "DJF" | "GNF" | "JPY" | "KMF" | "KRW" | "MGA" | "PYG" | "RWF" | "VND" | "VUV" | "XAF"
            | "XOF" | "XPF" => 1,
            "BHD" | "JOD" | "KWD" | "OMR" | "TND" => 1000,
            _ => 100,
        }
    }

    #[test]
    fn every_currency_of_iso_4217_is_charged_as_stripe_documents_or_refused() {
        let charged: Vec<&str> = CHARGED.split_whitespace().collect();
        for code in CURRENCIES.iter().chain(WITHDRAWN) {
            let currency: Currency = code.parse().unwrap();
            let Ok(stripe) = StripeCurrency::try_from(currency) else {
                assert!(!charged.contains(code), "{code} is refused");
                continue;
            };
            assert!(charged.contains(code), "{code} is not charged by Stripe");
            for units in [1, 7, 1000] {
                let amount = Money::new(units * 10_i64.pow(currency.minor_digits()), currency);
                assert_eq!(stripe.write(amount), Some(units * one(code)), "{amount} {code}");
                assert_eq!(stripe.read(units * one(code)), Some(amount), "{amount} {code}");
            }
        }
        for code in charged {
            assert!(CURRENCIES.contains(&code) || WITHDRAWN.contains(&code), "{code} is not in ISO 4217");
        }
    }
}
