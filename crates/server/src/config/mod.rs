//! What an operator can set. A setting is stated once, in the file of its section; nothing else reads the environment.
//!
//! Settings are read by hand rather than by a crate such as figment, because those stop at the first mistake: here all
//! mistakes are reported together, each once, and no secret is ever printed.

mod breakers;
mod database;
mod deployment;
mod flags;
mod http;
mod http_url;
mod iso_4217;
mod list;
mod lockouts;
mod mail;
mod menu_cache;
mod order_limits;
mod outbox;
mod passwords;
mod payments;
mod placement;
mod rate_limit;
mod reader;
mod receiver;
mod redis;
mod retention;
mod secret;
mod sessions;
mod setting;
mod source;
mod streams;
mod telemetry;
#[cfg(test)]
mod tests;
mod tokens;
mod value;
mod webhooks;

use std::time::Duration;

use chrono_tz::Tz;
use comanda_application::sessions::SessionTerms;
use comanda_domain::{Currency, FlagDefaults, RateLimit, RetentionTerms};
use comanda_menu_cache::CacheTerms;

pub use self::{
    breakers::BreakerConfig,
    database::DatabaseSettings,
    deployment::Mode,
    http::{HttpConfig, canonical_network},
    http_url::HttpUrl,
    iso_4217::CURRENCIES,
    list::{sections, settings, table},
    lockouts::LockoutSettings,
    mail::MailSettings,
    order_limits::OrderLimitSettings,
    outbox::OutboxSettings,
    passwords::PasswordConfig,
    payments::{Gateway, PaymentSettings},
    placement::PlacementSettings,
    reader::{ConfigError, Mistake},
    receiver::Receiver,
    redis::RedisSettings,
    retention::RetentionSettings,
    secret::Secret,
    setting::Setting,
    source::Source,
    streams::StreamSettings,
    telemetry::{LogConfig, LogFilter, LogFormat, TraceConfig},
    tokens::TokenConfig,
    webhooks::WebhookSettings,
};
use self::{
    deployment::Deployment, flags::FlagSettings, http::Origin, menu_cache::MenuCacheSettings,
    rate_limit::RateLimitSettings, reader::Reader, sessions::SessionSettings, telemetry::TelemetrySettings,
};

/// Everything a server needs, validated: whatever `serve` would refuse later is refused here.
#[derive(Debug)]
pub struct Config {
    pub mode: Mode,
    pub currency: Currency,
    /// Where the restaurant is, if that was said.
    pub time_zone: Option<Tz>,
    pub database: DatabaseSettings,
    pub redis: RedisSettings,
    pub http: HttpConfig,
    pub streams: StreamSettings,
    pub tokens: TokenConfig,
    pub sessions: SessionTerms,
    pub lockouts: LockoutSettings,
    pub address_limit: RateLimit,
    pub passwords: PasswordConfig,
    pub placement: PlacementSettings,
    pub order_limits: OrderLimitSettings,
    pub breakers: BreakerConfig,
    pub payments: PaymentSettings,
    pub mail: MailSettings,
    pub webhooks: WebhookSettings,
    pub outbox: OutboxSettings,
    pub retention: RetentionSettings,
    pub menu_cache: CacheTerms,
    pub flags: FlagDefaults,
    pub log: LogConfig,
    /// `None`: nobody collects traces.
    pub traces: Option<TraceConfig>,
    /// What is dangerous in production, but may be meant.
    pub warnings: Vec<Mistake>,
}

/// What commands need that work on the database only.
#[derive(Debug)]
pub struct StoreConfig {
    pub database: DatabaseSettings,
    pub currency: Currency,
    pub passwords: PasswordConfig,
    pub log: LogConfig,
}

/// What commands need that work on lockouts.
#[derive(Debug)]
pub struct LockoutsConfig {
    pub database: DatabaseSettings,
    pub redis: RedisSettings,
    pub currency: Currency,
    pub lockouts: LockoutSettings,
    pub flags: FlagDefaults,
    pub log: LogConfig,
}

/// What commands need that work on orders.
#[derive(Debug)]
pub struct OrdersConfig {
    pub database: DatabaseSettings,
    pub currency: Currency,
    pub placement: PlacementSettings,
    pub log: LogConfig,
}

/// What commands need that work on payments.
#[derive(Debug)]
pub struct PaymentsConfig {
    pub database: DatabaseSettings,
    pub currency: Currency,
    pub payments: PaymentSettings,
    pub placement: PlacementSettings,
}

/// What commands need that work on events and their subscribers.
#[derive(Debug)]
pub struct EventsConfig {
    pub database: DatabaseSettings,
    pub currency: Currency,
    pub mail: MailSettings,
    pub webhooks: WebhookSettings,
    pub outbox: OutboxSettings,
    pub log: LogConfig,
}

/// What commands need that work on copies of the menu.
#[derive(Debug)]
pub struct CacheConfig {
    pub redis: RedisSettings,
    pub menu_cache: CacheTerms,
}

impl Config {
    /// Reads and checks every setting; the error names every mistake.
    pub fn load(source: Source) -> Result<Self, ConfigError> {
        read(source, |reader, deployment| {
            // All are read before the first `?`, so that every mistake is found.
            let database = DatabaseSettings::read(reader);
            let redis = RedisSettings::read(reader);
            let http = HttpConfig::read(reader);
            let streams = StreamSettings::read(reader);
            let tokens = TokenConfig::read(reader);
            let sessions = SessionSettings::read(reader);
            let lockouts = LockoutSettings::read(reader);
            let address_limit = RateLimitSettings::read(reader);
            let passwords = PasswordConfig::read(reader);
            let placement = PlacementSettings::read(reader);
            let order_limits = OrderLimitSettings::read(reader);
            let breakers = BreakerConfig::read(reader);
            let payments = PaymentSettings::read(reader);
            let mail = MailSettings::read(reader);
            let webhooks = WebhookSettings::read(reader);
            let outbox = OutboxSettings::read(reader);
            let retention = RetentionSettings::read(reader);
            let menu_cache = MenuCacheSettings::read(reader);
            let flags = FlagSettings::read(reader);
            let telemetry = TelemetrySettings::read(reader);
            let deployment = deployment?;
            Some(Self {
                mode: deployment.mode,
                currency: deployment.currency,
                time_zone: deployment.time_zone,
                database: database?,
                redis: redis?,
                http: http?,
                streams: streams?,
                tokens: tokens?,
                sessions: sessions?.terms(),
                lockouts: lockouts?,
                address_limit: address_limit?.limit(),
                passwords: passwords?,
                placement: placement?,
                order_limits: order_limits?,
                breakers: breakers?,
                payments: payments?,
                mail: mail?,
                webhooks: webhooks?,
                outbox: outbox?,
                retention: retention?,
                menu_cache: menu_cache?.terms(),
                flags: flags?.defaults(),
                log: telemetry.as_ref()?.log(),
                traces: telemetry?.traces(),
                warnings: reader.take_warnings(),
            })
        })
    }
}

impl Config {
    /// How long a server goes on accepting connections when it is told to stop.
    pub fn drain_time(&self) -> Duration {
        let usual = Duration::from_secs(if self.mode == Mode::Production { 5 } else { 0 });
        self.http.drain.unwrap_or(usual)
    }

    /// What commands need that work on the database only.
    pub fn store(&self) -> StoreConfig {
        StoreConfig {
            database: self.database.clone(),
            currency: self.currency,
            passwords: self.passwords.clone(),
            log: self.log.clone(),
        }
    }

    /// For how long rows are kept.
    pub fn retention_terms(&self) -> RetentionTerms {
        self.retention.terms(self.sessions.refresh_grace)
    }
}

impl StoreConfig {
    /// Like [`Config::load`], for less.
    pub fn load(source: Source) -> Result<Self, ConfigError> {
        read(source, |reader, deployment| {
            let database = DatabaseSettings::read(reader);
            let passwords = PasswordConfig::read(reader);
            let telemetry = TelemetrySettings::read(reader);
            Some(Self {
                database: database?,
                currency: deployment?.currency,
                passwords: passwords?,
                log: telemetry?.log(),
            })
        })
    }
}

impl LockoutsConfig {
    /// Like [`Config::load`], for less.
    pub fn load(source: Source) -> Result<Self, ConfigError> {
        read(source, |reader, deployment| {
            let database = DatabaseSettings::read(reader);
            let redis = RedisSettings::read(reader);
            let lockouts = LockoutSettings::read(reader);
            let flags = FlagSettings::read(reader);
            let telemetry = TelemetrySettings::read(reader);
            Some(Self {
                database: database?,
                redis: redis?,
                currency: deployment?.currency,
                lockouts: lockouts?,
                flags: flags?.defaults(),
                log: telemetry?.log(),
            })
        })
    }
}

impl OrdersConfig {
    /// Like [`Config::load`], for less.
    pub fn load(source: Source) -> Result<Self, ConfigError> {
        read(source, |reader, deployment| {
            let database = DatabaseSettings::read(reader);
            let placement = PlacementSettings::read(reader);
            let telemetry = TelemetrySettings::read(reader);
            Some(Self {
                database: database?,
                currency: deployment?.currency,
                placement: placement?,
                log: telemetry?.log(),
            })
        })
    }
}

impl PaymentsConfig {
    /// Like [`Config::load`], for less.
    pub fn load(source: Source) -> Result<Self, ConfigError> {
        read(source, |reader, deployment| {
            let database = DatabaseSettings::read(reader);
            let payments = PaymentSettings::read(reader);
            let placement = PlacementSettings::read(reader);
            let currency = deployment?.currency;
            Some(Self { database: database?, currency, payments: payments?, placement: placement? })
        })
    }
}

impl EventsConfig {
    /// Like [`Config::load`], for less.
    pub fn load(source: Source) -> Result<Self, ConfigError> {
        read(source, |reader, deployment| {
            let database = DatabaseSettings::read(reader);
            let mail = MailSettings::read(reader);
            let webhooks = WebhookSettings::read(reader);
            let outbox = OutboxSettings::read(reader);
            let telemetry = TelemetrySettings::read(reader);
            Some(Self {
                database: database?,
                currency: deployment?.currency,
                mail: mail?,
                webhooks: webhooks?,
                outbox: outbox?,
                log: telemetry?.log(),
            })
        })
    }
}

impl CacheConfig {
    /// Like [`Config::load`], for less.
    pub fn load(source: Source) -> Result<Self, ConfigError> {
        read(source, |reader, _| {
            let redis = RedisSettings::read(reader);
            let menu_cache = MenuCacheSettings::read(reader);
            Some(Self { redis: redis?, menu_cache: menu_cache?.terms() })
        })
    }
}

/// The deployment's mode decides what else is refused, so it is read first.
fn read<T>(source: Source, rest: impl FnOnce(&mut Reader, Option<Deployment>) -> Option<T>) -> Result<T, ConfigError> {
    let mut reader = Reader::new(source);
    let deployment = Deployment::read(&mut reader);
    let config = rest(&mut reader, deployment);
    reader.finish(config)
}
