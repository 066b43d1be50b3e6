//! PostgreSQL.

use std::time::Duration;

use comanda_domain::Currency;
use comanda_postgres::{DatabaseConfig, DatabaseUrl};

use super::{reader::Reader, setting::settings};

settings! {
    /// How PostgreSQL is reached, and how its connections are shared out.
    pub struct DatabaseSettings checked by check {
        DATABASE_URL => url: DatabaseUrl,
            "Where PostgreSQL is: `postgres://user:password@host:port/database`. If there are several servers, of \
             which one accepts writes at a time: \
             `…@first:5432,second:5432/database?target_session_attrs=read-write`. `sslmode` and `sslrootcert` in it are \
              libpq's: `?sslmode=verify-full&sslrootcert=/etc/comanda/ca.pem`.";
        MIGRATION_DATABASE_URL => migration_url: Option<DatabaseUrl> = "",
            "The same database, as the role that owns the tables. `comanda migrate` and `MIGRATE_ON_START` use it, and \
             grant the role of `DATABASE_URL` what a server needs; without it, one role does both. Keep it from \
             servers: see docs/database-roles.md.";
        DATABASE_REPLICA_URL => replica_url: Option<DatabaseUrl> = "",
            "A streaming replica that serves lists, searches and reports while it keeps up; without it, the \
             primary does.";
        DATABASE_REPLICA_LAG_MS => replica_lag: Duration in 0..=3_600_000 ms = 1_000,
            "How far the replica may lag behind; beyond that, the primary serves all reads.";
        DATABASE_POOL_SIZE => pool_size: u32 in 2..=1_000 = 10,
            "How many connections a server opens at most; placing orders has one more of its own.";
        DATABASE_RESERVED_FOR_WRITES => reserved_for_writes: u32 in 1..=999 = 4,
            "How many of them are reserved for writes and sign-ins, so that no flood of reads can block those. At \
             least one must be left for reads.";
        DATABASE_FREE_FOR_READS => free_for_reads: u32 in 0..=1_000 = 2,
            "Reports are refused with 503 if fewer of the other connections would be free.";
        DATABASE_READ_LIMIT_MS => read_limit: Duration in 10..=60_000 ms = 1_000,
            "How long a read may take, including the wait for a connection.";
        DATABASE_REPORT_LIMIT_MS => report_limit: Duration in 10..=60_000 ms = 3_000,
            "How long a report may take, including the wait for a connection.";
        DATABASE_WAIT_MS => wait_for_connection: Duration in 10..=60_000 ms = 2_000,
            "How long a request waits for a free connection.";
        DATABASE_START_SECONDS => start_wait: Duration in 0..=3_600 s = 3,
            "How long `comanda serve` waits for a PostgreSQL that is not there yet. Then it ends with exit code 3.";
        SLOW_STATEMENT_MS => slow_statement: Duration in 1..=60_000 ms = 500,
            "Statements that take PostgreSQL longer are logged by name, with their plan.";
        MIGRATE_ON_START => migrate_on_start: bool = true,
            "Whether `comanda serve` migrates the database first. If not, or if the tables belong to another role, it \
             starts only if no migration is pending.";
    }
}

fn check(draft: &Draft, reader: &mut Reader) {
    let replica = draft.replica_url.as_ref().and_then(Option::as_ref);
    let owner = draft.migration_url.as_ref().and_then(Option::as_ref);
    let urls =
        [(&DATABASE_URL, draft.url.as_ref()), (&MIGRATION_DATABASE_URL, owner), (&DATABASE_REPLICA_URL, replica)];
    for (setting, url) in urls {
        if url.is_some_and(DatabaseUrl::may_be_overheard) {
            let what = "passwords and data may cross the network in plain text: use sslmode=verify-full";
            reader.warning(setting, what);
        }
    }
    if let (Some(size), Some(reserved)) = (draft.pool_size, draft.reserved_for_writes)
        && reserved >= size
    {
        let what = format!("{reserved} leaves none of DATABASE_POOL_SIZE={size} for reads");
        reader.mistake(&DATABASE_RESERVED_FOR_WRITES, what);
    }
    if let (Some(url), Some(Some(_))) = (&draft.url, &draft.migration_url)
        && url.role().is_none()
    {
        reader.mistake(&MIGRATION_DATABASE_URL, "DATABASE_URL must name the role that is granted what a server needs");
    }
}

impl DatabaseSettings {
    /// Where to sign in to migrate.
    pub fn owner_url(&self) -> &DatabaseUrl {
        self.migration_url.as_ref().unwrap_or(&self.url)
    }

    /// The name of the setting that says so.
    pub fn owner_setting(&self) -> &'static str {
        if self.migration_url.is_some() { MIGRATION_DATABASE_URL.name } else { DATABASE_URL.name }
    }

    /// The role that servers sign in as, if it is not the one that migrates.
    pub fn server_role(&self) -> Option<&str> {
        let owner = self.migration_url.as_ref()?;
        self.url.role().filter(|server| owner.role() != Some(server))
    }

    /// Looks at the files that hold URLs.
    pub fn look_again(&self) {
        self.url.look_again();
        self.replica_url.iter().for_each(DatabaseUrl::look_again);
    }

    /// New connections trust from now on the authorities of these settings, which were read again.
    pub fn trust_as(&self, anew: &Self) {
        self.url.trust_as(&anew.url);
        if let (Some(replica), Some(anew)) = (&self.replica_url, &anew.replica_url) {
            replica.trust_as(anew);
        }
    }

    /// A transaction may take `transaction_limit` at most.
    pub fn config(&self, currency: Currency, transaction_limit: Duration) -> DatabaseConfig {
        DatabaseConfig {
            url: self.url.clone(),
            currency,
            replica_url: self.replica_url.clone(),
            replica_lag: self.replica_lag,
            write_connections: self.reserved_for_writes,
            read_connections: self.pool_size.saturating_sub(self.reserved_for_writes),
            free_read_connections: self.free_for_reads,
            read_limit: self.read_limit,
            report_limit: self.report_limit,
            wait_for_connection: self.wait_for_connection,
            slow_statement: self.slow_statement,
            transaction_limit,
        }
    }
}
