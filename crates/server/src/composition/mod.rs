//! The composition root: the one place that knows which adapter stands behind which port.

mod events;
mod payments;

use std::{sync::Arc, time::Duration};

use actix_web::web::{Data, ServiceConfig};
use anyhow::Context;
use comanda_application::{
    accounts::{
        AppointAdmin, ChangePassword, CheckPassword, LogIn, LogOut, ReadProfile, RefreshSession, RegisterAccount,
        RenameAccount,
    },
    admin::{ChangeAccount, ListAccounts, ListLockouts, ReadAuditLog, ReadFlag, ReadLockout, SetFlag, UnlockAccount},
    menu::{
        AddMenuItem, AdjustStock, ArchiveMenuItem, EditMenuItem, ExportMenu, ImportMenu, ListMenuItems, ReadMenu,
        ReadMenuItem,
    },
    orders::{AdvanceOrder, CancelOrder, ListOrders, PlaceOrder, ReadOrder},
    sales::{ReportSales, ReportTopItems},
};
use comanda_domain::ports::{
    AccessTokens, Accounts, AuditLog, Checkout, Clock, ClosedSessions, FeatureFlags, FlagSettings, IdGenerator,
    Lockouts, Menu, MenuCache, Orders, PasswordHasher, PublicMenu, RefreshTokens, SalesFigures, Sessions,
};
use comanda_menu_cache::CachedMenu;
use comanda_postgres::{
    Database, DatabaseConfig, PlacementConfig, PostgresAccounts, PostgresAuditLog, PostgresFlagSettings,
    PostgresHealth, PostgresMenu, PostgresOrders, PostgresPayments, PostgresSalesFigures, PostgresSessions,
};
use comanda_redis::{
    RedisAddressLimits, RedisClosedSessions, RedisConnections, RedisHealth, RedisLockouts, RedisMenuCache,
};
use comanda_resilience::{
    Breaker, GuardedAccounts, GuardedCheckout, GuardedOrders, LocalAddressLimits, LocalLockouts, RetryBudget,
    SparedMenuCache,
};

pub use self::payments::reconcile_payments;
use crate::{
    config::{CacheConfig, Config, DatabaseSettings, PasswordConfig, StoreConfig},
    flags::OpenFeatureFlags,
    http::{Authenticator, CsrfGuard, CursorSigner, Health, MenuRenderer, RateLimiter, SessionCookies},
    identity::{Argon2Hasher, ChainedRefreshTokens, JwtAccessTokens, TokenKeys, TokenTerms},
    system::{SystemClock, UuidV7},
};

/// Registers what the handlers of one worker ask for.
type Registration = Arc<dyn Fn(&mut ServiceConfig) + Send + Sync>;

/// Everything a server serves with.
#[derive(Clone, Default)]
pub struct Restaurant {
    registrations: Vec<Registration>,
}

/// What outlives the serving: orders that still wait when the last request has ended.
pub struct OpenOrders(Arc<PostgresOrders>);

impl OpenOrders {
    pub async fn drain(&self) {
        self.0.drain().await;
    }
}

impl Restaurant {
    /// Connects to PostgreSQL, which must be there; Redis may come later.
    #[allow(clippy::too_many_lines, reason = "a list of what there is, one line each")]
    pub async fn open(config: &Config) -> anyhow::Result<(Self, OpenOrders)> {
        let deadline = config.placement.deadline;
        let database = database(&config.database, config.currency, deadline).await?;
        let redis = RedisConnections::new(config.redis_url.expose(), config.redis_pool_size, Duration::from_secs(1))?;

        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let settings: Arc<dyn FlagSettings> = Arc::new(PostgresFlagSettings::new(database.clone()));
        let menu = cached_menu(config, &database, &redis, &settings, &clock).await;

        let placed = Arc::new(PostgresOrders::new(
            database.clone(),
            PlacementConfig {
                queue_capacity: config.placement.queue.get(),
                batch_limit: config.placement.batch.get(),
                deadline,
            },
            Arc::new(menu.clone()),
        )?);
        let breakers = &config.breakers;
        let orders: Arc<dyn Orders> = Arc::new(GuardedOrders {
            orders: placed.clone(),
            create: Breaker::new("order.create", breakers.order_create),
            update: Breaker::new("order.update", breakers.order_update),
            lookup: Breaker::new("order.lookup", breakers.order_lookup),
            retries: RetryBudget::new("order.lookup"),
        });
        let public_menu: Arc<dyn PublicMenu> = Arc::new(menu.clone());
        let menu: Arc<dyn Menu> = Arc::new(menu);
        let payments = Arc::new(PostgresPayments::new(database.clone()));
        let checkout: Arc<dyn Checkout> = Arc::new(GuardedCheckout {
            checkout: payments.clone(),
            create: Breaker::new("payment.create", breakers.payment_create),
        });
        let accounts: Arc<dyn Accounts> = Arc::new(GuardedAccounts {
            accounts: Arc::new(PostgresAccounts::new(database.clone())),
            create: Breaker::new("user.create", breakers.user_create),
            lookup: Breaker::new("auth.lookup", breakers.auth_lookup),
            retries: RetryBudget::new("auth.lookup"),
        });
        let hasher: Arc<dyn PasswordHasher> = Arc::new(hasher(&config.passwords)?);
        let keys =
            Arc::new(TokenKeys::new(config.tokens.signing_key.expose(), config.tokens.verification_keys.expose())?);
        let terms = TokenTerms {
            issuer: config.tokens.issuer.clone(),
            audience: config.tokens.audience.clone(),
            client_lifetime: config.tokens.lifetime,
            browser_lifetime: config.sessions.browser,
        };
        let tokens: Arc<dyn AccessTokens> = Arc::new(JwtAccessTokens::new(Arc::clone(&keys), terms));
        let refresh_tokens: Arc<dyn RefreshTokens> = Arc::new(ChainedRefreshTokens::new(&config.http.secret_key));
        let ids: Arc<dyn IdGenerator> = Arc::new(UuidV7);

        let Doors { lockouts, rate_limiter, sessions, closed } = doors(config, &database, &redis, &clock).await?;
        let audit_log: Arc<dyn AuditLog> = Arc::new(PostgresAuditLog::new(database.clone()));
        let check = CheckPassword::new(accounts.clone(), hasher.clone(), lockouts.clone(), ids.clone());

        let mut restaurant = Self::default();
        restaurant
            .offer_flags(config, settings, &clock)
            .offer_reports(&database)
            .offer(RegisterAccount::new(accounts.clone(), hasher.clone(), ids.clone(), clock.clone()))
            .offer(LogIn::new(
                check.clone(),
                sessions.clone(),
                tokens.clone(),
                refresh_tokens.clone(),
                ids.clone(),
                clock.clone(),
                config.sessions,
            ))
            .offer(RefreshSession::new(
                sessions.clone(),
                closed.clone(),
                tokens.clone(),
                refresh_tokens,
                clock.clone(),
                config.sessions,
            ))
            .offer(LogOut::new(sessions.clone(), closed.clone(), clock.clone()))
            .offer(ChangePassword::new(
                check,
                accounts.clone(),
                hasher,
                sessions.clone(),
                closed.clone(),
                clock.clone(),
            ))
            .offer(ReadProfile::new(accounts.clone()))
            .offer(RenameAccount::new(accounts.clone()))
            .offer(ListLockouts::new(lockouts.clone()))
            .offer(ReadLockout::new(lockouts.clone()))
            .offer(UnlockAccount::new(lockouts, audit_log.clone(), clock.clone()))
            .offer(ListAccounts::new(accounts.clone()))
            .offer(ChangeAccount::new(accounts.clone(), sessions, closed.clone(), clock.clone()))
            .offer(ReadAuditLog::new(audit_log))
            .offer(ReadMenu::new(public_menu.clone()))
            .offer(MenuRenderer::new(config.currency))
            .offer(ReadMenuItem::new(menu.clone(), public_menu))
            .offer(ListMenuItems::new(menu.clone()))
            .offer(AddMenuItem::new(menu.clone(), ids.clone(), clock.clone()))
            .offer(EditMenuItem::new(menu.clone(), clock.clone()))
            .offer(ArchiveMenuItem::new(menu.clone(), clock.clone()))
            .offer(AdjustStock::new(menu, clock.clone()))
            .offer_events(config, &database, &clock)?
            .offer_payments(config, &payments, checkout, placed.clone(), &ids, &clock)?
            .offer(PlaceOrder::new(orders.clone(), ids.clone(), clock.clone()))
            .offer(ReadOrder::new(orders.clone(), accounts.clone(), payments.clone()))
            .offer(ListOrders::new(orders.clone(), accounts, payments))
            .offer(CancelOrder::new(orders.clone(), ids, clock.clone()))
            .offer(AdvanceOrder::new(orders, clock.clone()))
            .offer(Authenticator {
                tokens,
                closed,
                clock,
                cookies: SessionCookies { insecure: config.http.insecure_cookies },
                csrf: CsrfGuard::new(&config.http.secret_key, &config.http.cors_origins),
            })
            .offer(rate_limiter)
            .offer(keys)
            .offer(CursorSigner::new(&config.http.secret_key))
            .offer(config.currency)
            .offer(Health {
                postgres: Arc::new(PostgresHealth::new(database)),
                redis: Arc::new(RedisHealth::new(redis)),
            });
        Ok((restaurant, OpenOrders(placed)))
    }

    fn offer_flags(&mut self, config: &Config, settings: Arc<dyn FlagSettings>, clock: &Arc<dyn Clock>) -> &mut Self {
        self.offer(ReadFlag::new(settings.clone(), config.flags)).offer(SetFlag::new(settings, clock.clone()))
    }

    fn offer_reports(&mut self, database: &Database) -> &mut Self {
        let figures = PostgresSalesFigures::new(database.clone());
        figures.keep_summarizing();
        let figures: Arc<dyn SalesFigures> = Arc::new(figures);
        self.offer(ReportTopItems::new(figures.clone())).offer(ReportSales::new(figures))
    }

    fn offer<T: Send + Sync + 'static>(&mut self, value: T) -> &mut Self {
        let data = Data::new(value);
        self.registrations.push(Arc::new(move |app| {
            app.app_data(data.clone());
        }));
        self
    }

    /// Makes everything known to a worker.
    pub fn register(&self, app: &mut ServiceConfig) {
        for register in &self.registrations {
            register(app);
        }
    }
}

/// The menu with copies of it in this process and in Redis.
async fn cached_menu(
    config: &Config,
    database: &Database,
    redis: &RedisConnections,
    settings: &Arc<dyn FlagSettings>,
    clock: &Arc<dyn Clock>,
) -> CachedMenu {
    let flags: Arc<dyn FeatureFlags> = Arc::new(OpenFeatureFlags::start(settings.clone(), config.flags).await);
    let store: Arc<dyn Menu> = Arc::new(PostgresMenu::new(database.clone()));
    let shared = Arc::new(RedisMenuCache::new(redis.clone(), config.menu_cache.lifetime));
    let cache: Arc<dyn MenuCache> = Arc::new(SparedMenuCache::new(shared.clone()));
    let menu = CachedMenu::new(store, cache, flags, clock.clone(), config.menu_cache);
    tokio::spawn({
        let menu = menu.clone();
        async move { menu.run().await }
    });
    tokio::spawn({
        let menu = menu.clone();
        async move { shared.listen(&menu).await }
    });
    menu
}

/// What stands between guessers and accounts.
struct Doors {
    lockouts: Arc<dyn Lockouts>,
    rate_limiter: RateLimiter,
    sessions: Arc<dyn Sessions>,
    closed: Arc<dyn ClosedSessions>,
}

async fn doors(
    config: &Config,
    database: &Database,
    redis: &RedisConnections,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Doors> {
    let (policy, patience) = (config.lockout.policy.clone(), config.lockout.patience);
    let shared = Arc::new(RedisLockouts::new(redis.clone(), policy.clone(), patience));
    let lockouts: Arc<dyn Lockouts> = Arc::new(LocalLockouts::beside(shared, policy, patience, clock.clone()));
    let shared = Arc::new(RedisAddressLimits::new(redis.clone(), config.address_limit));
    let rate_limiter = RateLimiter {
        limits: Arc::new(LocalAddressLimits::beside(shared, config.address_limit, clock.clone())),
        trusted_proxies: config.http.trusted_proxies.as_slice().into(),
    };
    let sessions: Arc<dyn Sessions> = Arc::new(PostgresSessions::new(database.clone()));
    let longest = config.tokens.lifetime.max(config.sessions.browser);
    let closed_before = sessions.closed_since(clock.now() - longest).await?;
    let closed = Arc::new(RedisClosedSessions::new(redis.clone(), &closed_before, longest));
    tokio::spawn({
        let closed = closed.clone();
        async move { closed.listen().await }
    });
    Ok(Doors { lockouts, rate_limiter, sessions, closed })
}

/// What the commands that never serve work with.
pub struct BackOffice {
    pub database: Database,
    pub appoint_admin: AppointAdmin,
    pub export_menu: ExportMenu,
    pub import_menu: ImportMenu,
}

impl BackOffice {
    pub async fn open(config: &StoreConfig) -> anyhow::Result<Self> {
        // Nobody waits at the counter for an import.
        let database = database(&config.database, config.currency, Duration::from_mins(1)).await?;
        let accounts: Arc<dyn Accounts> = Arc::new(PostgresAccounts::new(database.clone()));
        let menu: Arc<dyn Menu> = Arc::new(PostgresMenu::new(database.clone()));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let ids: Arc<dyn IdGenerator> = Arc::new(UuidV7);
        Ok(Self {
            database,
            appoint_admin: AppointAdmin::new(
                accounts,
                Arc::new(hasher(&config.passwords)?),
                ids.clone(),
                clock.clone(),
            ),
            export_menu: ExportMenu::new(menu.clone()),
            import_menu: ImportMenu::new(menu, ids, clock),
        })
    }
}

/// The copies of the menu that servers share, for a command.
pub fn menu_cache(config: &CacheConfig) -> anyhow::Result<impl MenuCache> {
    let redis = RedisConnections::new(config.redis_url.expose(), 1, Duration::from_secs(5))?;
    Ok(RedisMenuCache::new(redis, config.menu_cache.lifetime))
}

async fn database(
    settings: &DatabaseSettings,
    currency: comanda_domain::Currency,
    transaction_limit: Duration,
) -> anyhow::Result<Database> {
    let config = DatabaseConfig {
        url: settings.url.expose().to_owned(),
        currency,
        replica_url: settings.replica_url.as_ref().map(|url| url.expose().to_owned()),
        replica_lag: settings.replica_lag,
        write_connections: settings.write_connections,
        read_connections: settings.read_connections,
        free_read_connections: settings.free_read_connections,
        read_limit: settings.read_limit,
        report_limit: settings.report_limit,
        wait_for_connection: settings.wait_for_connection,
        slow_statement: settings.slow_statement,
        transaction_limit,
    };
    Ok(Database::connect(config).await?)
}

fn hasher(config: &PasswordConfig) -> anyhow::Result<Argon2Hasher> {
    Argon2Hasher::new(config.threads, config.queue).context("the password hasher does not work")
}
