use std::{path::Path, time::Duration};

use comanda_domain::ports::Unavailable;
use comanda_postgres::{Database, DatabaseFacts, DatabaseUrl, Guards, MissingGuard};

use super::findings::{Findings, now};
use crate::config::Config;

/// How long a database may take to respond.
const WAIT: Duration = Duration::from_secs(3);

pub async fn look(config: &Config, findings: &mut Findings) {
    let settings = &config.database;
    look_at_others(config, findings).await;
    let before = now();
    let facts = match comanda_postgres::examine(&settings.url, WAIT).await {
        Ok(facts) => facts,
        Err(cause) => {
            let todo = "correct DATABASE_URL, or start PostgreSQL (docs/runbook/PostgresDown.md)";
            return findings.unreachable("PostgreSQL", unreachable(&settings.url, &cause), todo);
        }
    };
    let ahead = facts.clock - f64::midpoint(before, now());
    look_at_server(&settings.url, &facts, findings);
    findings.clock("PostgreSQL clock", ahead);
    look_at_connections(config, &facts, findings);
    look_at_pooling(&settings.url, findings).await;
    look_at_migrations(config, findings).await;
    look_at_role(config, &facts, findings).await;
    look_at_disk(&facts, findings);
    look_at_backup(&facts, findings);
}

fn unreachable(url: &DatabaseUrl, cause: &Unavailable) -> String {
    format!("cannot be reached at {}: {cause}", url.addresses())
}

/// The owner's URL and the replica's, which servers may do without.
async fn look_at_others(config: &Config, findings: &mut Findings) {
    let replica = config.database.replica_url.as_ref();
    for (check, setting, url) in [
        (
            "replica",
            "correct DATABASE_REPLICA_URL, or start the replica; meanwhile the primary serves its reads",
            replica,
        ),
        ("migrations", "correct MIGRATION_DATABASE_URL", config.database.migration_url.as_ref()),
    ] {
        let Some(url) = url else { continue };
        match comanda_postgres::examine(url, WAIT).await {
            Ok(facts) => findings.ok(check, format!("{} is reached, as the role {}", url.addresses(), facts.role)),
            Err(cause) => findings.unreachable(check, unreachable(url, &cause), setting),
        }
    }
}

fn look_at_server(url: &DatabaseUrl, facts: &DatabaseFacts, findings: &mut Findings) {
    const TESTED: i32 = 150_000;
    let DatabaseFacts { version, role, database, .. } = facts;
    let tls = if facts.is_encrypted { "with TLS" } else { "without TLS" };
    let says = format!("reached at {}, {tls}; version {version}, database {database}, role {role}", url.addresses());
    if facts.version_number < TESTED {
        findings.notice("PostgreSQL", says, "upgrade it: this release is tested with 15 and later");
    } else {
        findings.ok("PostgreSQL", says);
    }
    if facts.is_read_only {
        let todo = "name the primary in DATABASE_URL, promote this standby, or end the read-only spell \
                    (default_transaction_read_only; a managed database does it when its disk is nearly full)";
        findings.problem("PostgreSQL", "it is read-only: no order can be placed", todo);
    }
}

/// A server opens its pool, one for placing orders, and a few of its own.
fn look_at_connections(config: &Config, facts: &DatabaseFacts, findings: &mut Findings) {
    let DatabaseFacts { connections, connection_limit, .. } = facts;
    let says = format!("{connections} of {connection_limit} connections are taken");
    let needed = i64::from(config.database.pool_size) + 1;
    if connection_limit - connections < needed {
        let todo = format!(
            "a server of these settings opens {needed} and one per receiver of events: unless all run already, raise \
             max_connections, or lower DATABASE_POOL_SIZE"
        );
        findings.notice("PostgreSQL connections", says, &todo);
    } else {
        findings.ok("PostgreSQL connections", says);
    }
}

async fn look_at_pooling(url: &DatabaseUrl, findings: &mut Findings) {
    match comanda_postgres::examine_pooling(url).await {
        Ok(()) => findings.ok("pooling", "a connection keeps its session"),
        Err(shared) => {
            let todo = "set pool_mode = session in PgBouncer, or connect to PostgreSQL directly \
                        (docs/configuration.md)";
            findings.problem("pooling", shared, todo);
        }
    }
}

async fn look_at_migrations(config: &Config, findings: &mut Findings) {
    let status = match comanda_postgres::migration_status(&config.database.url).await {
        Ok(status) => status,
        Err(error) => return findings.problem("migrations", error, "comanda migrate --status"),
    };
    if let Some(session) = status.under_way {
        findings.notice("migrations", format!("being migrated by {session}"), "wait until it is done");
    }
    match (status.pending.as_slice(), status.unknown.len()) {
        ([], 0) => findings.ok("migrations", format!("{} applied, none pending", status.applied.len())),
        ([], unknown) => {
            let says = format!("{unknown} of a later release are applied");
            findings.notice("migrations", says, "run the later release's servers; this one works meanwhile");
        }
        ([first, ..], _) => {
            let says = format!("{} pending, the first is {}", status.pending.len(), first.name);
            findings.problem("migrations", says, "comanda migrate");
        }
    }
}

async fn look_at_role(config: &Config, facts: &DatabaseFacts, findings: &mut Findings) {
    match facts.missing_privileges.as_slice() {
        [] => findings.ok("grants", format!("the role {} may do what a server does", facts.role)),
        missing => findings.problem(
            "grants",
            format!("the role {} lacks {}", facts.role, missing.join(", ")),
            "comanda migrate, with the owner's MIGRATION_DATABASE_URL (docs/database-roles.md)",
        ),
    }
    let database = match crate::app::open_database(&config.store()).await {
        Ok(database) => database,
        Err(error) => return findings.problem("role", format!("{error:#}"), "see above"),
    };
    look_at_guards(&database, findings).await;
    match comanda_postgres::ways_to_change_the_audit_log(&database).await {
        Ok(ways) if ways.is_empty() => findings.ok("role", "it may add to the audit log, and not change it"),
        Ok(ways) => findings.notice(
            "role",
            format!("the audit log is not protected from it: {}", ways.join("; ")),
            "in production, use two roles (docs/database-roles.md)",
        ),
        // It could not be looked at, which is not to look like "all is well".
        Err(error) => findings.problem("role", error, "comanda migrate"),
    }
    match comanda_postgres::gap_in_sight_of_sessions(&database).await {
        Ok(None) => {}
        Ok(Some(gap)) => findings.notice("role", gap, "GRANT pg_read_all_stats to it, to see who holds up deliveries"),
        Err(error) => findings.problem("role", error, "ask again"),
    }
}

async fn look_at_guards(database: &Database, findings: &mut Findings) {
    let Guards { missing, all_known } = match comanda_postgres::missing_guards(database).await {
        Ok(guards) => guards,
        Err(error) => return findings.problem("guards", error, "ask again"),
    };
    if !all_known {
        let says = "the schema is of another release: only what is disabled was looked for";
        findings.unknown("guards", says, "ask again once migrations and program are of one release");
    } else if missing.is_empty() {
        findings.ok("guards", "triggers, constraints and indexes are in place");
    }
    for MissingGuard { says, by, mended_by } in missing {
        findings.problem("guards", says, &format!("as {by}: {mended_by}; then comanda check"));
    }
}

/// Only on the machine that it is on, and only if the role may know where.
fn look_at_disk(facts: &DatabaseFacts, findings: &mut Findings) {
    let size = format!("the database has {} MB", facts.bytes / 1_000_000);
    let folder = facts.data_folder.as_deref().map(Path::new).filter(|folder| folder.exists());
    let Some(space) = folder.and_then(|folder| rustix::fs::statvfs(folder).ok()) else {
        let todo = "look with df on the machine of PostgreSQL: it does not say how much is free";
        return findings.unknown("disk", size, todo);
    };
    let (free, all) = (space.f_bavail.saturating_mul(space.f_frsize), space.f_blocks.saturating_mul(space.f_frsize));
    let says = format!("{size}; {} of {} MB are free", free / 1_000_000, all / 1_000_000);
    if free < all / 10 {
        findings.problem("disk", says, "make room (docs/runbook/disk-full.md)");
    } else {
        findings.ok("disk", says);
    }
}

/// PostgreSQL knows when it archived its log, and nothing of dumps and base backups.
fn look_at_backup(facts: &DatabaseFacts, findings: &mut Findings) {
    const LATE: f64 = 3600.0;
    let dumps = "look when the last dump or base backup was made: PostgreSQL does not say (docs/backup.md)";
    let Some(fails) = facts.archiving_fails else {
        return findings.unknown("backup", "PostgreSQL does not archive its log", dumps);
    };
    let todo = "look into PostgreSQL's log for what archive_command says";
    match facts.archived_seconds_ago {
        _ if fails => findings.problem("backup", "the log cannot be archived", todo),
        None => findings.notice("backup", "nothing of the log was archived yet", todo),
        Some(ago) if ago > LATE => {
            let says = format!("the log was last archived {:.0} minutes ago", ago / 60.0);
            findings.notice("backup", says, "set archive_timeout, unless nothing was written since");
        }
        Some(ago) => {
            findings.ok("backup", format!("the log was last archived {ago:.0} s ago"));
            findings.unknown("backup", "when the last base backup was made", dumps);
        }
    }
}
