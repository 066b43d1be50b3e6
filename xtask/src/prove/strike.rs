use std::{fmt, time::Duration};

use comanda_tests::Weather;
use rand::{RngExt, rngs::StdRng};

/// Something that breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// SIGKILL, and another one in its place.
    ServerKilled(usize),
    /// SIGTERM, and another one in its place.
    ServerTerminated(usize),
    /// SIGSTOP, and SIGCONT.
    ServerPaused(usize),
    /// All of its processes end at once.
    PostgresKilled,
    PostgresRestarted,
    PostgresPaused,
    /// The primary is gone for good, and its synchronous standby takes its place.
    FailedOver,
    RedisKilled,
    RedisPaused,
    /// The connections of all servers to PostgreSQL.
    Database(Bad),
    /// The connections of all servers to Redis.
    Redis(Bad),
    /// The connections of clients to a server.
    Clients(usize, Bad),
}

/// Bad weather.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    Cut,
    Slow,
    Frozen,
}

impl Bad {
    pub const fn weather(self) -> Weather {
        match self {
            Self::Cut => Weather::Cut,
            Self::Slow => Weather::Delayed(Duration::from_millis(150)),
            Self::Frozen => Weather::Frozen,
        }
    }

    fn draw(random: &mut StdRng) -> Self {
        [Self::Cut, Self::Slow, Self::Frozen][random.random_range(0..3)]
    }
}

impl Strike {
    pub fn draw(random: &mut StdRng, servers: usize) -> Self {
        let server = random.random_range(0..servers);
        match random.random_range(0..17) {
            0..3 => Self::ServerKilled(server),
            3 => Self::ServerTerminated(server),
            4 | 5 => Self::ServerPaused(server),
            6 | 7 => Self::PostgresKilled,
            8 => Self::PostgresRestarted,
            9 => Self::PostgresPaused,
            10 => Self::RedisKilled,
            11 => Self::RedisPaused,
            12 => Self::Database(Bad::draw(random)),
            13 => Self::Redis(Bad::draw(random)),
            14 => Self::FailedOver,
            _ => Self::Clients(server, Bad::draw(random)),
        }
    }
}

impl fmt::Display for Strike {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServerKilled(server) => write!(formatter, "server {server} SIGKILLed"),
            Self::ServerTerminated(server) => write!(formatter, "server {server} SIGTERMed"),
            Self::ServerPaused(server) => write!(formatter, "server {server} SIGSTOPped"),
            Self::PostgresKilled => write!(formatter, "PostgreSQL SIGKILLed"),
            Self::PostgresRestarted => write!(formatter, "PostgreSQL restarted"),
            Self::PostgresPaused => write!(formatter, "PostgreSQL SIGSTOPped"),
            Self::FailedOver => write!(formatter, "PostgreSQL failed over"),
            Self::RedisKilled => write!(formatter, "Redis SIGKILLed"),
            Self::RedisPaused => write!(formatter, "Redis SIGSTOPped"),
            Self::Database(bad) => write!(formatter, "the network to PostgreSQL {bad}"),
            Self::Redis(bad) => write!(formatter, "the network to Redis {bad}"),
            Self::Clients(server, bad) => write!(formatter, "the network before server {server} {bad}"),
        }
    }
}

impl fmt::Display for Bad {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Cut => "cut",
            Self::Slow => "slow",
            Self::Frozen => "frozen",
        })
    }
}
