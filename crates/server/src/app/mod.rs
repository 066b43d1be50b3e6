//! The composition root: the one place that knows which adapter stands behind which port.

mod accounts;
mod database;
mod events;
mod kitchen;
mod live;
mod mails;
mod menu;
mod orders;
mod payments;
mod reloads;
mod sales;
mod sessions;
mod setup;
mod supplies;

use std::{sync::Arc, time::Duration};

use actix_web::web::Data;
use comanda_application::{
    Accounts, Events, Live, Menu, Operations, Orders, Payments, Sales, Sessions, accounts::Passwords,
    operations::Retention,
};
use comanda_domain::ports::{
    self, AuditLog, Clock, ComponentHealth, FlagSettings, IdGenerator, PublicMenu, SecurityLog,
};
use comanda_menu_cache::ShownOptionGroups;
use comanda_postgres::{
    PostgresAuditLog, PostgresFlagSettings, PostgresHealth, PostgresOptionGroups, PostgresRetention,
};
use comanda_redis::RedisHealth;

use self::payments::Gateways;
pub use self::{
    menu::shared_menu,
    payments::reconcile_payments,
    reloads::Reloads,
    setup::{cancel_orders, deliveries, end_sessions, open_database, operations, setup},
};
use crate::{
    config::Config,
    http::{
        App, Authenticator, CsrfGuard, CursorSigner, DeviceTokens, Docs, Draining, Health, MenuRenderer, Pages,
        SessionCookies, Streams,
    },
    observability::Pools,
    security::SecurityEvents,
    system::{SystemClock, UuidV7},
    workers::{
        MailsWaker, PaymentsWaker, Workers, delete_old_rows, end_streams, follow_replica, follow_unlocks,
        measure_components, measure_pools, process_payments,
    },
};

/// A server that is connected to what it needs, and serves nothing yet.
pub struct Server {
    /// What handlers work with.
    pub app: Data<App>,
    /// What has to run in the background for the handlers to work.
    pub workers: Workers,
    /// What it is connected to.
    pub pools: Pools,
    /// What it reads again when it is told to.
    pub reloads: Reloads,
}

impl Server {
    /// Connects to PostgreSQL, which must be there; Redis may come later.
    #[expect(clippy::too_many_lines, reason = "a list of what there is, one line each")]
    pub async fn build(config: &Config) -> anyhow::Result<Self> {
        let database = database::connect(&config.database, config.currency, config.placement.deadline).await?;
        let redis = config.redis.connections(config.redis.pool_size, Duration::from_secs(1))?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let ids: Arc<dyn IdGenerator> = Arc::new(UuidV7);
        let secrets = config.http.secret_keys();
        let security: Arc<dyn SecurityLog> = Arc::new(SecurityEvents::new(&secrets));
        let mut workers = Workers::new(clock.clone());
        workers.register(measure_pools(database.clone()));
        if database.has_replica() {
            workers.register(follow_replica(database.clone()));
        }

        let flag_settings: Arc<dyn FlagSettings> = Arc::new(PostgresFlagSettings::new(database.clone()));
        let cached_menu = menu::cached(config, &database, &redis, &flag_settings, &clock, &mut workers).await;
        let public_menu: Arc<dyn PublicMenu> = Arc::new(cached_menu.clone());
        let placement = orders::placement(config, &database, Arc::new(cached_menu.clone()), &mut workers);
        let orders = orders::guarded(placement.clone(), &config.breakers);
        let updates = live::stored(&database);
        let (hub, watchers) = live::hub(updates.clone(), &redis, &mut workers);
        let watchers: Arc<dyn ports::WorkQueue> = Arc::new(watchers);
        let stored_payments = payments::stored(&database, config.placement.accept);
        let checkout = payments::guarded(stored_payments.clone(), &config.breakers);
        let account_changes = accounts::stored(&database);
        let accounts = accounts::guarded(account_changes.clone(), &config.breakers);
        let hasher = accounts::hasher(&config.passwords, &mut workers)?;
        let keys = Arc::new(config.tokens.keys()?);
        let access_tokens = sessions::access_tokens(config, &keys);
        let sessions = sessions::stored(&database);
        let closed_sessions = sessions::closed(config, &sessions, &redis, &*clock, &mut workers).await?;
        let lockouts = accounts::lockouts(&config.lockouts, &redis, &clock);
        let audit_log: Arc<dyn AuditLog> = Arc::new(PostgresAuditLog::new(database.clone()));
        workers.register(follow_unlocks(audit_log.clone(), lockouts.clone()));
        let passwords = Passwords {
            accounts: accounts.clone(),
            changes: account_changes.clone(),
            hasher,
            lockouts: lockouts.clone(),
            security: security.clone(),
            ids: ids.clone(),
            clock: clock.clone(),
        };
        let mails_waker = MailsWaker::default();
        let mails = mails::stored(&database, config);
        let mail = events::mail(config, mails.clone(), &clock)?;
        // Not the local ones: what is repeated while Redis is gone must not forget failures that count here alone.
        let shared = accounts::shared_lockouts(&config.lockouts, &redis);
        mails::register(config, mails.clone(), mail.clone(), shared, clock.clone(), mails_waker.clone(), &mut workers);
        let payments_waker = PaymentsWaker::default();
        let Gateways { gateway, offline: offline_gateway } = payments::gateways(config, &clock)?;
        let payment_work: Arc<dyn ports::WorkQueue> = Arc::new(payments_waker.clone());
        let payments = Payments {
            payments: stored_payments.clone(),
            checkout,
            intents: stored_payments.clone(),
            refunds: stored_payments.clone(),
            inbox: stored_payments.clone(),
            overdue: placement.clone(),
            gateway,
            work: payment_work.clone(),
            ids: ids.clone(),
            clock: clock.clone(),
            terms: config.payments.terms(),
        };
        let events = Events {
            outbox: events::outbox(&database),
            clock: clock.clone(),
            retries: config.outbox.retries(),
            served: events::subscribers(&config.mail, &config.webhooks),
        };
        workers.register(process_payments(payments.clone(), payments_waker));
        events::register_delivery(config, &events, mail, &mut workers)?;
        workers.register(delete_old_rows(Retention {
            rows: Arc::new(PostgresRetention::new(database.clone(), ids.generate())),
            subscribers: events.served.clone(),
            terms: config.retention_terms(),
        }));
        let figures = sales::figures(&database, &mut workers);

        let postgres_health: Arc<dyn ComponentHealth> = Arc::new(PostgresHealth::new(database.clone()));
        let redis_health: Arc<dyn ComponentHealth> = Arc::new(RedisHealth::new(redis.clone()));
        workers.register(measure_components(postgres_health.clone(), redis_health.clone()));

        let streams = Streams::new(hub, closed_sessions.clone(), clock.clone(), config.streams.limits());
        workers.register(end_streams(streams.clone()));

        let session_service = Sessions {
            sessions,
            closed_sessions: closed_sessions.clone(),
            passwords: passwords.clone(),
            access_tokens: access_tokens.clone(),
            refresh_tokens: sessions::refresh_tokens(&secrets),
            security: security.clone(),
            ids: ids.clone(),
            clock: clock.clone(),
            terms: config.sessions,
        };

        let cards = config.payments.cards();
        let option_group_list = Arc::new(PostgresOptionGroups::new(database.clone()));
        let option_groups = Arc::new(ShownOptionGroups::new(cached_menu.clone(), option_group_list.clone()));
        let supplies = supplies::supplies(&database, &cached_menu, &ids, &clock);
        let app = App {
            orders: Orders {
                orders,
                accounts: accounts.clone(),
                payments: stored_payments,
                payment_work,
                watchers: watchers.clone(),
                ids: ids.clone(),
                clock: clock.clone(),
                limits: config.order_limits.limits(),
            },
            live: Live { updates, clock: clock.clone() },
            menu: Menu {
                menu: Arc::new(cached_menu),
                live_menu: menu::live(&database),
                public_menu,
                option_groups,
                option_group_list,
                ids: ids.clone(),
                clock: clock.clone(),
            },
            supplies,
            kitchen: kitchen::kitchen(&database, watchers.clone(), &ids, &clock),
            accounts: Accounts {
                accounts,
                changes: account_changes.clone(),
                mails,
                mail_tokens: mails::tokens(),
                mail_work: Arc::new(mails_waker),
                passwords,
                closed_sessions: closed_sessions.clone(),
                security: security.clone(),
                ids,
                clock: clock.clone(),
            },
            sessions: session_service,
            payments,
            events,
            sales: Sales { figures, clock: clock.clone() },
            operations: Operations {
                accounts: account_changes,
                lockouts: lockouts.clone(),
                locked_addresses: lockouts,
                audit_log,
                security: security.clone(),
                flag_settings,
                flag_defaults: config.flags,
                clock: clock.clone(),
            },
            offline_gateway,
            streams,
            rate_limiter: sessions::rate_limiter(config, &redis, &clock),
            authenticator: Authenticator {
                tokens: access_tokens,
                closed: closed_sessions,
                security,
                clock: clock.clone(),
                cookies: SessionCookies { insecure: config.http.insecure_cookies },
                csrf: CsrfGuard::new(&secrets, &config.http.cors_origins),
            },
            devices: DeviceTokens::new(&secrets, clock),
            cursors: CursorSigner::new(&secrets),
            menu_renderer: MenuRenderer::new(config.currency),
            pages: Pages::new(config.currency, config.time_zone, cards)?,
            token_keys: keys.clone(),
            currency: config.currency,
            docs: Docs { served: config.http.serve_docs },
            health: Health {
                postgres: postgres_health,
                redis: redis_health,
                workers: workers.health(),
                draining: Draining::default(),
            },
        };
        let reloads = Reloads { database: config.database.clone(), redis: redis.clone(), secrets, tokens: keys };
        Ok(Self { app: Data::new(app), workers, pools: Pools { database, redis }, reloads })
    }
}
