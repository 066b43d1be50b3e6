use std::time::Duration;

/// Something to break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    PostgresKilled,
    PostgresPaused,
    PostgresRestarted,
    PostgresOutOfConnections,
    PostgresReadOnly,
    PostgresPasswordChanged,
    TableLocked,
    EachTableLocked,
    FailedOver,
    ReplicaBehind,
    DiskFull,
    RedisKilled,
    RedisPaused,
    RedisFull,
    RedisReadOnly,
    RedisPasswordChanged,
    NetworkCut,
    NetworkDelayed,
    NetworkDribbling,
    ServerTerminated,
    ServerKilled,
    PoolerRestarted,
    MigrationBesideReader,
    MigratorKilled,
    TwoDeploys,
    TooManyConnections,
    BehindNginx,
    BehindHaproxy,
    KilledBehindNginx,
    KilledBehindHaproxy,
}

impl Fault {
    pub const ALL: [Self; 30] = [
        Self::PostgresKilled,
        Self::PostgresPaused,
        Self::PostgresRestarted,
        Self::PostgresOutOfConnections,
        Self::PostgresReadOnly,
        Self::PostgresPasswordChanged,
        Self::TableLocked,
        Self::EachTableLocked,
        Self::FailedOver,
        Self::ReplicaBehind,
        Self::DiskFull,
        Self::RedisKilled,
        Self::RedisPaused,
        Self::RedisFull,
        Self::RedisReadOnly,
        Self::RedisPasswordChanged,
        Self::NetworkCut,
        Self::NetworkDelayed,
        Self::NetworkDribbling,
        Self::ServerTerminated,
        Self::ServerKilled,
        Self::PoolerRestarted,
        Self::MigrationBesideReader,
        Self::MigratorKilled,
        Self::TwoDeploys,
        Self::TooManyConnections,
        Self::BehindNginx,
        Self::BehindHaproxy,
        Self::KilledBehindNginx,
        Self::KilledBehindHaproxy,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::PostgresKilled => "postgres-killed",
            Self::PostgresPaused => "postgres-paused",
            Self::PostgresRestarted => "postgres-restarted",
            Self::PostgresOutOfConnections => "postgres-out-of-connections",
            Self::PostgresReadOnly => "postgres-read-only",
            Self::PostgresPasswordChanged => "postgres-password-changed",
            Self::TableLocked => "table-locked",
            Self::EachTableLocked => "each-table-locked",
            Self::FailedOver => "failed-over",
            Self::ReplicaBehind => "replica-behind",
            Self::DiskFull => "disk-full",
            Self::RedisKilled => "redis-killed",
            Self::RedisPaused => "redis-paused",
            Self::RedisFull => "redis-full",
            Self::RedisReadOnly => "redis-read-only",
            Self::RedisPasswordChanged => "redis-password-changed",
            Self::NetworkCut => "network-cut",
            Self::NetworkDelayed => "network-delayed",
            Self::NetworkDribbling => "network-dribbling",
            Self::ServerTerminated => "server-terminated",
            Self::ServerKilled => "server-killed",
            Self::PoolerRestarted => "pooler-restarted",
            Self::MigrationBesideReader => "migration-beside-reader",
            Self::MigratorKilled => "migrator-killed",
            Self::TwoDeploys => "two-deploys",
            Self::TooManyConnections => "too-many-connections",
            Self::BehindNginx => "behind-nginx",
            Self::BehindHaproxy => "behind-haproxy",
            Self::KilledBehindNginx => "killed-behind-nginx",
            Self::KilledBehindHaproxy => "killed-behind-haproxy",
        }
    }

    pub const fn description(self) -> &'static str {
        match self {
            Self::PostgresKilled => "PostgreSQL SIGKILLed, back after 2 s",
            Self::PostgresPaused => "PostgreSQL, all of it, SIGSTOPped for 10 s",
            Self::PostgresRestarted => "PostgreSQL restarted in an orderly way",
            Self::PostgresOutOfConnections => "every connection of PostgreSQL taken for 4 s, the servers' ended",
            Self::PostgresReadOnly => "the database made read-only for 4 s, the servers' connections ended",
            Self::PostgresPasswordChanged => "another password in PostgreSQL for 4 s, the servers' connections ended",
            Self::TableLocked => "`menu_items` locked by another session for 8 s",
            Self::EachTableLocked => "each table in turn locked by another session for 1.5 s",
            Self::FailedOver => "the primary SIGKILLed, a synchronous standby promoted a second later",
            Self::ReplicaBehind => "the replica of `DATABASE_REPLICA_URL` replays nothing for 5 s",
            Self::DiskFull => "the disk under PostgreSQL full for 4 s",
            Self::RedisKilled => "Redis SIGKILLed, back after 3 s",
            Self::RedisPaused => "Redis SIGSTOPped for 5 s",
            Self::RedisFull => "Redis out of memory, and refusing to evict, for 4 s",
            Self::RedisReadOnly => "Redis a read-only replica for 4 s",
            Self::RedisPasswordChanged => "another password in Redis for 4 s, the servers' connections ended",
            Self::NetworkCut => "no network to PostgreSQL for 3 s",
            Self::NetworkDelayed => "500 ms more each way to PostgreSQL for 5 s",
            Self::NetworkDribbling => "64 bytes every 2 ms to and from PostgreSQL for 5 s",
            Self::ServerTerminated => "a server SIGTERMed, and started again",
            Self::ServerKilled => "a server SIGKILLed, and started again",
            Self::PoolerRestarted => "PgBouncer before PostgreSQL SIGTERMed, back after 2 s",
            Self::MigrationBesideReader => "a migration beside a transaction of 8 s that has read its table",
            Self::MigratorKilled => "`comanda migrate` SIGKILLed eight times beside a reader, and then run to its end",
            Self::TwoDeploys => "two migrators and two more servers started at once, with a migration pending",
            Self::TooManyConnections => {
                "2,000 connections kept to a server, and then twice the 2,500 that it allows, for 4 s"
            }
            Self::BehindNginx => "behind nginx: each server SIGTERMed and started again, three times over",
            Self::BehindHaproxy => "behind HAProxy: each server SIGTERMed and started again, three times over",
            Self::KilledBehindNginx => "behind nginx: a server SIGKILLed, and started again after 2 s",
            Self::KilledBehindHaproxy => "behind HAProxy: a server SIGKILLed, and started again after 2 s",
        }
    }

    /// Whether `--selection` includes it: the faults that differ most.
    pub const fn is_selected(self) -> bool {
        matches!(
            self,
            Self::PostgresKilled | Self::PostgresPaused | Self::FailedOver | Self::RedisReadOnly | Self::ServerKilled
        )
    }

    pub const fn lasts(self) -> Duration {
        match self {
            Self::PostgresKilled | Self::PoolerRestarted | Self::KilledBehindNginx | Self::KilledBehindHaproxy => {
                Duration::from_secs(2)
            }
            Self::PostgresPaused => Duration::from_secs(10),
            Self::TableLocked | Self::MigrationBesideReader => Duration::from_secs(8),
            Self::FailedOver => Duration::from_secs(1),
            Self::RedisPaused | Self::NetworkDelayed | Self::NetworkDribbling | Self::ReplicaBehind => {
                Duration::from_secs(5)
            }
            Self::RedisKilled | Self::NetworkCut => Duration::from_secs(3),
            Self::PostgresRestarted
            | Self::EachTableLocked
            | Self::ServerTerminated
            | Self::ServerKilled
            | Self::MigratorKilled
            | Self::TwoDeploys
            | Self::BehindNginx
            | Self::BehindHaproxy => Duration::ZERO,
            Self::PostgresOutOfConnections
            | Self::PostgresReadOnly
            | Self::PostgresPasswordChanged
            | Self::DiskFull
            | Self::RedisFull
            | Self::RedisReadOnly
            | Self::RedisPasswordChanged
            | Self::TooManyConnections => Duration::from_secs(4),
        }
    }

    /// Whether a server itself goes, and with it the responses to some requests.
    pub const fn takes_a_server(self) -> bool {
        matches!(self, Self::ServerTerminated | Self::ServerKilled)
    }

    /// Whether a proxy stands before the servers. Then no request may be lost or refused, and orders without a key are
    /// placed, too.
    pub const fn is_behind_a_proxy(self) -> bool {
        self.is_behind_nginx() || matches!(self, Self::BehindHaproxy | Self::KilledBehindHaproxy)
    }

    pub const fn is_behind_nginx(self) -> bool {
        matches!(self, Self::BehindNginx | Self::KilledBehindNginx)
    }

    /// Whether it is unknown what becomes of a request that a server was carrying out. A proxy may repeat it only if it
    /// has a key, or changes nothing.
    pub const fn leaves_requests_in_doubt(self) -> bool {
        matches!(self, Self::KilledBehindNginx | Self::KilledBehindHaproxy)
    }
}
