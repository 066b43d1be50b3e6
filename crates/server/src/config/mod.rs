//! What an operator can set. `settings.rs` lists every setting with its default; nothing else reads the environment.

mod mode;
mod notifications;
mod payments;
mod reader;
mod secret;
mod settings;

use std::{net::SocketAddr, num::NonZeroUsize, time::Duration};

use chrono::TimeDelta;
use comanda_application::sessions::SessionTerms;
use comanda_domain::{
    feature_flag::{FlagDefaults, Percentage},
    lockout::LockoutPolicy,
    money::Currency,
    rate_limit::RateLimit,
};
use comanda_menu_cache::CacheTerms;
use comanda_resilience::BreakerSettings;
use ipnet::IpNet;

pub use self::{
    mode::Mode,
    notifications::{MailWay, NotificationSettings},
    payments::{Gateway, PaymentSettings},
    reader::{ConfigError, Source},
    secret::Secret,
    settings::{SETTINGS, Setting, table as settings_table},
};
use self::{notifications::notifications, payments::payments, reader::Reader, settings as s};

/// Everything, validated.
#[derive(Debug)]
pub struct Config {
    pub database: DatabaseSettings,
    pub redis_url: Secret,
    pub redis_pool_size: u32,
    pub currency: Currency,
    pub http: HttpConfig,
    pub tokens: TokenConfig,
    pub sessions: SessionTerms,
    pub lockout: LockoutConfig,
    pub address_limit: RateLimit,
    pub passwords: PasswordConfig,
    pub placement: PlacementSettings,
    pub breakers: BreakerConfig,
    pub payments: PaymentSettings,
    pub notifications: NotificationSettings,
    pub menu_cache: CacheTerms,
    pub flags: FlagDefaults,
    pub log: LogConfig,
    /// `None`: nobody collects traces.
    pub traces: Option<TraceConfig>,
}

#[derive(Debug)]
pub struct DatabaseSettings {
    pub url: Secret,
    pub replica_url: Option<Secret>,
    pub replica_lag: Duration,
    pub write_connections: u32,
    pub read_connections: u32,
    pub free_read_connections: u32,
    pub read_limit: Duration,
    pub report_limit: Duration,
    pub wait_for_connection: Duration,
    pub slow_statement: Duration,
    pub migrate_on_start: bool,
}

#[derive(Debug)]
pub struct HttpConfig {
    pub bind_addr: SocketAddr,
    pub metrics_addr: Option<SocketAddr>,
    pub workers: NonZeroUsize,
    pub cors_origins: Vec<String>,
    pub concurrent_requests: usize,
    pub request_timeout: Duration,
    pub password_timeout: Duration,
    pub shutdown_timeout: Duration,
    pub secret_key: Secret,
    pub insecure_cookies: bool,
    pub trusted_proxies: Vec<IpNet>,
}

#[derive(Debug)]
pub struct TokenConfig {
    pub signing_key: Secret,
    pub verification_keys: Secret,
    pub issuer: String,
    pub audience: String,
    pub lifetime: Duration,
}

#[derive(Debug)]
pub struct LockoutConfig {
    pub policy: LockoutPolicy,
    pub patience: Duration,
}

#[derive(Debug)]
pub struct PasswordConfig {
    pub threads: NonZeroUsize,
    pub queue: usize,
}

#[derive(Debug)]
pub struct PlacementSettings {
    pub queue: NonZeroUsize,
    pub batch: NonZeroUsize,
    pub deadline: Duration,
}

/// One breaker each.
#[derive(Debug)]
pub struct BreakerConfig {
    pub order_create: BreakerSettings,
    pub order_update: BreakerSettings,
    pub order_lookup: BreakerSettings,
    pub user_create: BreakerSettings,
    pub auth_lookup: BreakerSettings,
    pub payment_create: BreakerSettings,
    pub stripe: BreakerSettings,
    pub notifications: BreakerSettings,
}

#[derive(Clone, Debug)]
pub struct LogConfig {
    pub filter: String,
    pub format: LogFormat,
}

/// Where traces go.
#[derive(Clone, Debug)]
pub struct TraceConfig {
    pub endpoint: String,
    /// Of requests that come without a trace of their own; from 0 to 1.
    pub share: f64,
}

#[derive(Clone, Copy, Debug)]
pub enum LogFormat {
    Text,
    Json,
}

impl std::str::FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("must be text or json"),
        }
    }
}

/// Only what a command that never serves needs.
#[derive(Debug)]
pub struct StoreConfig {
    pub database: DatabaseSettings,
    pub currency: Currency,
    pub passwords: PasswordConfig,
    pub log: LogConfig,
}

/// Only what a command needs that looks after payments.
#[derive(Debug)]
pub struct PaymentsConfig {
    pub database: DatabaseSettings,
    pub currency: Currency,
    pub payments: PaymentSettings,
}

/// Only what a command needs that works on copies.
#[derive(Debug)]
pub struct CacheConfig {
    pub redis_url: Secret,
    pub menu_cache: CacheTerms,
}

impl Config {
    /// Reads and checks every setting; the error names every mistake at once.
    pub fn load(source: Source) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(source);
        let config = Self {
            database: database(&mut reader),
            redis_url: reader.secret(&s::REDIS_URL),
            redis_pool_size: reader.in_range(&s::REDIS_POOL_SIZE, 2..=1000),
            currency: reader.parsed(&s::CURRENCY, Currency::EUR),
            http: HttpConfig {
                bind_addr: reader.parsed(&s::BIND_ADDR, SocketAddr::from(([127, 0, 0, 1], 8080))),
                metrics_addr: reader.list(&s::METRICS_ADDR).pop(),
                workers: workers(&mut reader),
                cors_origins: reader.origins(&s::CORS_ORIGINS),
                concurrent_requests: reader.in_range(&s::CONCURRENT_REQUESTS, 1..=1_000_000),
                request_timeout: reader.milliseconds(&s::REQUEST_TIMEOUT_MS, 100..=600_000),
                password_timeout: reader.milliseconds(&s::PASSWORD_TIMEOUT_MS, 100..=600_000),
                shutdown_timeout: reader.milliseconds(&s::SHUTDOWN_TIMEOUT_MS, 0..=600_000),
                secret_key: reader.secret_of_at_least(&s::SECRET_KEY, 32),
                insecure_cookies: reader.parsed(&s::INSECURE_COOKIES, false),
                trusted_proxies: reader.list(&s::TRUSTED_PROXIES),
            },
            tokens: TokenConfig {
                signing_key: reader.secret(&s::JWT_SIGNING_KEY),
                verification_keys: reader.secret(&s::JWT_VERIFICATION_KEYS),
                issuer: reader.text(&s::JWT_ISSUER),
                audience: reader.text(&s::JWT_AUDIENCE),
                lifetime: Duration::from_secs(reader.in_range(&s::ACCESS_TOKEN_SECONDS, 30..=86_400)),
            },
            sessions: SessionTerms {
                client: Duration::from_hours(24 * reader.in_range(&s::SESSION_DAYS, 1..=3650)),
                browser: Duration::from_hours(reader.in_range(&s::BROWSER_SESSION_HOURS, 1..=8760)),
                refresh_grace: Duration::from_secs(reader.in_range(&s::REFRESH_GRACE_SECONDS, 0..=600)),
            },
            lockout: lockout(&mut reader),
            address_limit: address_limit(&mut reader),
            passwords: passwords(&mut reader),
            placement: PlacementSettings {
                queue: reader.in_range(&s::PLACEMENT_QUEUE, one()..=at_most(1_000_000)),
                batch: reader.in_range(&s::PLACEMENT_BATCH, one()..=at_most(10_000)),
                deadline: reader.milliseconds(&s::PLACEMENT_DEADLINE_MS, 100..=60_000),
            },
            breakers: BreakerConfig {
                order_create: reader.parsed(&s::BREAKER_ORDER_CREATE, BreakerSettings::default()),
                order_update: reader.parsed(&s::BREAKER_ORDER_UPDATE, BreakerSettings::default()),
                order_lookup: reader.parsed(&s::BREAKER_ORDER_LOOKUP, BreakerSettings::default()),
                user_create: reader.parsed(&s::BREAKER_USER_CREATE, BreakerSettings::default()),
                auth_lookup: reader.parsed(&s::BREAKER_AUTH_LOOKUP, BreakerSettings::default()),
                payment_create: reader.parsed(&s::BREAKER_PAYMENT_CREATE, BreakerSettings::default()),
                stripe: reader.parsed(&s::BREAKER_STRIPE, BreakerSettings::default()),
                notifications: reader.parsed(&s::BREAKER_NOTIFICATIONS, BreakerSettings::default()),
            },
            payments: payments(&mut reader),
            notifications: notifications(&mut reader),
            menu_cache: menu_cache(&mut reader),
            flags: FlagDefaults {
                menu_cache: percentage(&mut reader, &s::FLAG_MENU_CACHE),
                partial_invalidation: percentage(&mut reader, &s::FLAG_PARTIAL_INVALIDATION),
            },
            log: log(&mut reader),
            traces: traces(&mut reader),
        };
        reader.finish(config)
    }
}

impl StoreConfig {
    /// Like [`Config::load`], for less.
    pub fn load(source: Source) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(source);
        let config = Self {
            database: database(&mut reader),
            currency: reader.parsed(&s::CURRENCY, Currency::EUR),
            passwords: passwords(&mut reader),
            log: log(&mut reader),
        };
        reader.finish(config)
    }
}

fn database(reader: &mut Reader) -> DatabaseSettings {
    let size: u32 = reader.in_range(&s::DATABASE_POOL_SIZE, 2..=1000);
    let most = size.clamp(2, 1000) - 1;
    let write_connections = reader.in_range(&s::DATABASE_RESERVED_FOR_WRITES, 1..=most);
    DatabaseSettings {
        url: reader.secret(&s::DATABASE_URL),
        replica_url: Some(reader.secret(&s::DATABASE_REPLICA_URL)).filter(|url| !url.expose().is_empty()),
        replica_lag: reader.milliseconds(&s::DATABASE_REPLICA_LAG_MS, 0..=3_600_000),
        write_connections,
        read_connections: size.saturating_sub(write_connections).max(1),
        free_read_connections: reader.in_range(&s::DATABASE_FREE_FOR_READS, 0..=1000),
        read_limit: reader.milliseconds(&s::DATABASE_READ_LIMIT_MS, 10..=60_000),
        report_limit: reader.milliseconds(&s::DATABASE_REPORT_LIMIT_MS, 10..=60_000),
        wait_for_connection: reader.milliseconds(&s::DATABASE_WAIT_MS, 10..=60_000),
        slow_statement: reader.milliseconds(&s::SLOW_STATEMENT_MS, 1..=60_000),
        migrate_on_start: reader.parsed(&s::MIGRATE_ON_START, true),
    }
}

impl PaymentsConfig {
    /// Like [`Config::load`], for less.
    pub fn load(source: Source) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(source);
        let config = Self {
            database: database(&mut reader),
            currency: reader.parsed(&s::CURRENCY, Currency::EUR),
            payments: payments(&mut reader),
        };
        reader.finish(config)
    }
}

impl CacheConfig {
    /// Like [`Config::load`], for less.
    pub fn load(source: Source) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(source);
        let config = Self { redis_url: reader.secret(&s::REDIS_URL), menu_cache: menu_cache(&mut reader) };
        reader.finish(config)
    }
}

fn menu_cache(reader: &mut Reader) -> CacheTerms {
    CacheTerms {
        lifetime: Duration::from_secs(reader.in_range(&s::MENU_CACHE_SECONDS, 1..=86_400)),
        stale: Duration::from_secs(reader.in_range(&s::MENU_STALE_SECONDS, 0..=604_800)),
    }
}

fn percentage(reader: &mut Reader, setting: &Setting) -> Percentage {
    Percentage::new(reader.in_range(setting, 0..=100)).unwrap_or(Percentage::ALL)
}

fn lockout(reader: &mut Reader) -> LockoutConfig {
    let mut seconds = |setting| TimeDelta::seconds(reader.in_range(setting, 1..=31_536_000));
    let (window, quiet) = (seconds(&s::LOCKOUT_WINDOW_SECONDS), seconds(&s::LOCKOUT_QUIET_SECONDS));
    let policy = LockoutPolicy {
        free_failures: reader.in_range(&s::LOCKOUT_FREE_FAILURES, 0..=1000),
        window,
        steps: reader.four_seconds(&s::LOCKOUT_STEPS_SECONDS),
        quiet,
        ..LockoutPolicy::default()
    };
    LockoutConfig { policy, patience: reader.milliseconds(&s::LOCKOUT_PATIENCE_MS, 0..=60_000) }
}

fn address_limit(reader: &mut Reader) -> RateLimit {
    let burst = reader.in_range(&s::ADDRESS_LIMIT_BURST, 1..=1_000_000);
    let per_minute: i64 = reader.in_range(&s::ADDRESS_LIMIT_PER_MINUTE, 1..=60_000);
    RateLimit { burst, period: TimeDelta::milliseconds(60_000 / per_minute.max(1)) }
}

fn passwords(reader: &mut Reader) -> PasswordConfig {
    PasswordConfig {
        threads: reader.in_range(&s::PASSWORD_THREADS, one()..=at_most(1024)),
        queue: reader.in_range(&s::PASSWORD_QUEUE, 1..=100_000),
    }
}

fn log(reader: &mut Reader) -> LogConfig {
    LogConfig { filter: reader.text(&s::LOG), format: reader.parsed(&s::LOG_FORMAT, LogFormat::Text) }
}

fn traces(reader: &mut Reader) -> Option<TraceConfig> {
    let endpoint = reader.text(&s::OTEL_EXPORTER_OTLP_ENDPOINT);
    let percent: u8 = reader.in_range(&s::TRACE_PERCENT, 0..=100);
    (!endpoint.is_empty()).then(|| TraceConfig { endpoint, share: f64::from(percent) / 100.0 })
}

fn workers(reader: &mut Reader) -> NonZeroUsize {
    reader.in_range(&s::WORKERS, one()..=at_most(1024))
}

const fn one() -> NonZeroUsize {
    NonZeroUsize::MIN
}

fn at_most(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete() -> Vec<(&'static str, &'static str)> {
        vec![
            ("DATABASE_URL", "postgres://comanda:hunter2@localhost/comanda"),
            ("REDIS_URL", "redis://:hunter2@localhost/0"),
            ("SECRET_KEY", "hunter2hunter2hunter2hunter2hunter2"),
            ("JWT_SIGNING_KEY", "hunter2"),
        ]
    }

    #[test]
    fn the_defaults_are_valid() {
        let config = Config::load(Source::of(complete())).unwrap();
        assert_eq!(config.http.bind_addr.port(), 8080);
        assert_eq!(config.currency, Currency::EUR);
    }

    #[test]
    fn all_mistakes_are_listed_at_once() {
        let mut settings = complete();
        settings.retain(|(name, _)| *name != "DATABASE_URL");
        settings.extend([
            ("CURRENCY", "euro"),
            ("BIND_ADDR", "here"),
            ("PLACEMENT_BATCH", "0"),
            ("CORS_ORIGINS", "https://a.example,b.example"),
            ("LOG_FORMAT", "xml"),
        ]);
        let error = Config::load(Source::of(settings)).unwrap_err().to_string();
        for name in ["DATABASE_URL", "CURRENCY", "BIND_ADDR", "PLACEMENT_BATCH", "b.example", "LOG_FORMAT"] {
            assert!(error.contains(name), "{name} is missing in: {error}");
        }
    }

    #[test]
    fn secrets_never_print() {
        let config = Config::load(Source::of(complete())).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
        let mut settings = complete();
        settings.retain(|(name, _)| *name != "SECRET_KEY");
        settings.push(("SECRET_KEY", "hunter2"));
        let error = Config::load(Source::of(settings)).unwrap_err().to_string();
        assert!(error.contains("SECRET_KEY") && !error.contains("hunter2"));
    }

    #[test]
    fn the_documentation_lists_every_setting() {
        let page = include_str!("../../../../docs/configuration.md");
        assert!(
            page.contains(&settings::table()),
            "run `comanda config list` and paste the table:\n{}",
            settings::table()
        );
    }
}
