//! Reading the text of a setting as what it stands for.

use std::{
    net::SocketAddr,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    time::Duration,
};

use comanda_domain::{Currency, Percentage};
use comanda_notify::{Language, Sender, SmtpUrl, WebhookSecret};
use comanda_postgres::DatabaseUrl;
use comanda_redis::RedisUrl;
use comanda_resilience::BreakerSettings;
use comanda_tls::Authorities;
use ipnet::IpNet;
use url::Url;

use super::{
    iso_4217::{CURRENCIES, WITHDRAWN},
    secret::Secret,
    setting::{Range, Setting, Unit},
};

/// Something a setting can be.
pub trait Value: Sized {
    /// What an operator writes.
    const KIND: &'static str;
    /// What an operator writes for several.
    const LIST: &'static str = "";

    /// Every mistake in the text, or its value. A mistake never repeats a text that may hold a secret.
    fn parse(text: &str, setting: &Setting) -> Result<Self, Vec<String>>;

    /// The value, which a file holds that may be rewritten while the server runs. `setting` is what names it.
    #[must_use]
    fn kept_in(self, _setting: &'static str, _file: &Path) -> Self {
        self
    }
}

/// Types that read themselves, whose mistakes may repeat what was written.
macro_rules! values {
    ($($type:ty: $kind:literal),+ $(,)?) => {
        $(impl Value for $type {
            const KIND: &'static str = $kind;
            const LIST: &'static str = concat!($kind, ", separated by commas");

            fn parse(text: &str, _: &Setting) -> Result<Self, Vec<String>> {
                text.parse().map_err(|error| vec![format!("{text:?}: {error}")])
            }
        })+
    };
}

/// Types that read themselves, and whose text nobody may see.
macro_rules! secrets {
    ($($type:ty: $kind:literal),+ $(,)?) => {
        $(impl Value for $type {
            const KIND: &'static str = $kind;
            const LIST: &'static str = concat!($kind, ", separated by commas");

            fn parse(text: &str, _: &Setting) -> Result<Self, Vec<String>> {
                not_blank(text)?;
                text.parse().map_err(|error| vec![format!("{error}")])
            }
        })+
    };
}

values! {
    super::Mode: "`production` or `development`",
    super::Gateway: "`none`, `offline` or `stripe`",
    comanda_domain::AcceptOrders: "`staff`, `paid` or `always`",
    comanda_postgres::EarlyRelease: "`auto`, `always` or `never`",
    super::LogFormat: "`text` or `json`",
    super::LogFilter: "directives",
    super::Origin: "origins",
    chrono_tz::Tz: "a name of the IANA time zone database",
    bool: "`true` or `false`",
    BreakerSettings: "`name=number …`",
    IpNet: "networks",
    Language: "`en` or `de`",
    Sender: "a mail address",
    SocketAddr: "address:port",
}

secrets! {
    Authorities: "certificates (PEM)",
    super::HttpUrl: "an http or https URL",
    SmtpUrl: "an smtp or smtps URL",
    WebhookSecret: "secrets",
}

impl Value for DatabaseUrl {
    const KIND: &'static str = "a postgres URL";

    fn parse(text: &str, _: &Setting) -> Result<Self, Vec<String>> {
        not_blank(text)?;
        text.parse().map_err(|error| vec![format!("{error}")])
    }

    fn kept_in(self, setting: &'static str, file: &Path) -> Self {
        Self::kept_in(self, setting, file)
    }
}

impl Value for RedisUrl {
    const KIND: &'static str = "a redis URL";

    fn parse(text: &str, _: &Setting) -> Result<Self, Vec<String>> {
        not_blank(text)?;
        text.parse().map_err(|error| vec![format!("{error}")])
    }

    fn kept_in(self, setting: &'static str, file: &Path) -> Self {
        Self::kept_in(self, setting, file)
    }
}

impl Value for Secret {
    const KIND: &'static str = "a secret";
    const LIST: &'static str = "secrets, separated by commas";

    fn parse(text: &str, _: &Setting) -> Result<Self, Vec<String>> {
        not_blank(text)?;
        if !is_varied(text, Secret::DIFFERENT) {
            return Err(vec![format!("must have at least {} different characters", Secret::DIFFERENT)]);
        }
        Ok(Self::new(text.to_owned()))
    }
}

/// Whether a secret has so many different characters: one that repeats a few is no secret.
pub fn is_varied(secret: &str, least: usize) -> bool {
    secret.trim().chars().collect::<std::collections::BTreeSet<_>>().len() >= least
}

impl Value for String {
    const KIND: &'static str = "text";

    fn parse(text: &str, _: &Setting) -> Result<Self, Vec<String>> {
        not_blank(text)?;
        Ok(text.to_owned())
    }
}

impl Value for PathBuf {
    const KIND: &'static str = "a path";

    fn parse(text: &str, _: &Setting) -> Result<Self, Vec<String>> {
        not_blank(text)?;
        Ok(Self::from(text))
    }
}

impl Value for Url {
    const KIND: &'static str = "a URL";
    const LIST: &'static str = "URLs, separated by commas";

    /// A receiver's URL may hold a secret of its own.
    fn parse(text: &str, _: &Setting) -> Result<Self, Vec<String>> {
        text.parse().map_err(|error| vec![format!("not a URL: {error}")])
    }
}

impl Value for Currency {
    const KIND: &'static str = "an ISO 4217 code";

    fn parse(text: &str, _: &Setting) -> Result<Self, Vec<String>> {
        let known = (CURRENCIES.contains(&text) || WITHDRAWN.contains(&text)).then(|| text.parse().ok()).flatten();
        known.ok_or_else(|| vec![format!("{text:?} is not a currency code of ISO 4217, such as EUR")])
    }
}

/// Empty: none.
impl<T: Value> Value for Option<T> {
    const KIND: &'static str = T::KIND;

    fn parse(text: &str, setting: &Setting) -> Result<Self, Vec<String>> {
        if text.is_empty() { Ok(None) } else { T::parse(text, setting).map(Some) }
    }

    fn kept_in(self, setting: &'static str, file: &Path) -> Self {
        self.map(|value| value.kept_in(setting, file))
    }
}

/// Separated by commas, or, as in a file, by line breaks; empty: none.
impl<T: Value> Value for Vec<T> {
    const KIND: &'static str = T::LIST;

    fn parse(text: &str, setting: &Setting) -> Result<Self, Vec<String>> {
        let (mut values, mut mistakes) = (Self::new(), Vec::new());
        for part in text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty()) {
            match T::parse(part, setting) {
                Ok(value) => values.push(value),
                Err(more) => mistakes.extend(more),
            }
        }
        if values.is_empty() && mistakes.is_empty() && !text.is_empty() {
            mistakes.push("lists nothing; leave it out instead".to_owned());
        }
        if mistakes.is_empty() { Ok(values) } else { Err(mistakes) }
    }
}

/// Four durations in seconds, separated by commas.
#[derive(Clone, Copy, Debug)]
pub struct FourSteps(pub [Duration; 4]);

impl Value for FourSteps {
    const KIND: &'static str = "four numbers of seconds, separated by commas";

    fn parse(text: &str, _: &Setting) -> Result<Self, Vec<String>> {
        const YEAR: u64 = 31_536_000;
        let seconds = text.split(',').map(|part| part.trim().parse::<u64>().ok().filter(|n| (1..=YEAR).contains(n)));
        let steps: Option<Vec<Duration>> = seconds.map(|seconds| seconds.map(Duration::from_secs)).collect();
        let steps = steps.and_then(|steps| steps.try_into().ok()).map(Self);
        steps.ok_or_else(|| vec![format!("{text:?} is not four numbers of seconds from 1 to {YEAR}")])
    }
}

impl Value for Duration {
    const KIND: &'static str = "a duration";

    fn parse(text: &str, setting: &Setting) -> Result<Self, Vec<String>> {
        let number = number_in_range(text, setting)?;
        Ok(match setting.range.and_then(|range| range.unit) {
            Some(Unit::Milliseconds) => Self::from_millis(number),
            Some(Unit::Seconds) | None => Self::from_secs(number),
            Some(Unit::Minutes) => Self::from_mins(number),
            Some(Unit::Hours) => Self::from_hours(number),
            Some(Unit::Days) => Self::from_hours(24 * number),
        })
    }
}

/// Whole numbers, whose range the setting says.
macro_rules! numbers {
    ($($type:ty: $from:expr),+ $(,)?) => {
        $(impl Value for $type {
            const KIND: &'static str = "a number";

            fn parse(text: &str, setting: &Setting) -> Result<Self, Vec<String>> {
                let number = number_in_range(text, setting)?;
                let from: fn(u64) -> Option<$type> = $from;
                from(number).ok_or_else(|| vec![format!("{number} is too large")])
            }
        })+
    };
}

numbers! {
    u32: |number| number.try_into().ok(),
    usize: |number| number.try_into().ok(),
    NonZeroUsize: |number| usize::try_from(number).ok().and_then(NonZeroUsize::new),
    Percentage: |number| i64::try_from(number).ok().and_then(|number| Percentage::new(number).ok()),
}

fn number_in_range(text: &str, setting: &Setting) -> Result<u64, Vec<String>> {
    let Range { min, max, .. } = setting.range.unwrap_or(Range { min: 0, max: u64::MAX, unit: None });
    let number = text.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| vec![format!("{text:?} is not a whole number from {min} to {max}")])
}

fn not_blank(text: &str) -> Result<(), Vec<String>> {
    if text.trim().is_empty() { Err(vec!["must not be blank".to_owned()]) } else { Ok(()) }
}
