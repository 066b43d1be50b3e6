use std::fmt::Write;

use comanda_postgres::{DatabaseUrl, MigrateError, MigrationStatus};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

use super::print;
use crate::{
    config::{DatabaseSettings, StoreConfig},
    exit::{Unreachable, UsageError},
    logging,
};

#[derive(clap::Args)]
pub struct Migrate {
    /// Say which migrations are applied, which are pending, and which are of a later release. Change nothing.
    #[arg(long, conflicts_with = "dry_run")]
    status: bool,
    /// Print the SQL of the pending migrations. Change nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Migrate {
    pub async fn run(self, config: &StoreConfig) -> anyhow::Result<()> {
        logging::start(&config.log, None)?;
        // As process 1 of a container, a program that does not listen for signals does not end.
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            done = self.run_to_its_end(&config.database) => done,
            _ = interrupt.recv() => Err(Interrupted("SIGINT").into()),
            _ = terminate.recv() => Err(Interrupted("SIGTERM").into()),
        }
    }

    async fn run_to_its_end(self, settings: &DatabaseSettings) -> anyhow::Result<()> {
        if !self.status && !self.dry_run {
            return bring_up_to_date(settings).await;
        }
        let status = match comanda_postgres::migration_status(settings.owner_url()).await {
            Ok(status) => status,
            Err(error) => return Err(explain(settings.owner_setting(), settings.owner_url(), error).await),
        };
        print(&if self.status { report(&status)? } else { script(&status)? })
    }
}

/// What was under way is taken back by PostgreSQL, or is begun again by whoever migrates next.
#[derive(Debug, Error)]
#[error("stopped by {0} before it was done: run `comanda migrate` again")]
struct Interrupted(&'static str);

pub(super) async fn bring_up_to_date(settings: &DatabaseSettings) -> anyhow::Result<()> {
    let (url, server_role) = (settings.owner_url(), settings.server_role());
    let migrations = match comanda_postgres::migrate(url, server_role).await {
        Ok(migrations) => migrations,
        Err(error) => return Err(explain(settings.owner_setting(), url, error).await),
    };
    for migration in &migrations {
        tracing::info!(%migration, "migrated");
    }
    if migrations.is_empty() {
        tracing::info!("the database is up to date");
    }
    if let Some(role) = server_role {
        tracing::info!(role, "granted what a server needs");
    }
    Ok(())
}

/// The names of the migrations that the database lacks.
pub(super) async fn pending(settings: &DatabaseSettings) -> anyhow::Result<Vec<String>> {
    match comanda_postgres::migration_status(&settings.url).await {
        Ok(status) => Ok(status.pending.into_iter().map(|pending| pending.name).collect()),
        Err(error) => Err(explain("DATABASE_URL", &settings.url, error).await),
    }
}

/// Refuses a database that lacks a migration. Whoever set `MIGRATE_ON_START=false` migrates it before servers start.
pub(super) async fn ensure_up_to_date(settings: &DatabaseSettings) -> anyhow::Result<()> {
    match comanda_postgres::ensure_migrated(&settings.url).await {
        Ok(()) => Ok(()),
        Err(error) => Err(explain("DATABASE_URL", &settings.url, error).await),
    }
}

async fn explain(setting: &'static str, url: &DatabaseUrl, error: MigrateError) -> anyhow::Error {
    match error {
        MigrateError::Connect(error) => Unreachable::postgres(setting, url, &error).await.into(),
        MigrateError::SharedSessions(why) => UsageError::new(setting, why).into(),
        error => error.into(),
    }
}

fn report(status: &MigrationStatus) -> anyhow::Result<String> {
    let mut report = String::new();
    for migration in &status.applied {
        writeln!(report, "applied  {}  {}", migration.applied_at, migration.name)?;
    }
    for migration in &status.pending {
        writeln!(report, "pending  {:19}  {}", "", migration.name)?;
    }
    for version in &status.unknown {
        writeln!(report, "unknown  {:19}  {version}", "")?;
    }
    if let Some(session) = &status.under_way {
        writeln!(report, "being migrated by {session}")?;
    }
    let (applied, pending, unknown) = (status.applied.len(), status.pending.len(), status.unknown.len());
    let verdict = match (pending, unknown) {
        (0, 0) => "the database is up to date",
        (0, _) => "the database is ahead of this version",
        (_, 0) => "the database is behind this version: run `comanda migrate`",
        _ => "the database lacks migrations of this version, and has some that this version does not know",
    };
    writeln!(report, "{applied} applied, {pending} pending, {unknown} unknown: {verdict}")?;
    Ok(report)
}

fn script(status: &MigrationStatus) -> anyhow::Result<String> {
    let mut script = String::new();
    for migration in &status.pending {
        let how = if migration.runs_in_transaction { "in a transaction" } else { "outside a transaction" };
        writeln!(script, "-- {}, {how}\n{}\n", migration.name, migration.sql.trim_end())?;
    }
    if status.pending.is_empty() {
        writeln!(script, "-- No migration is pending.")?;
    }
    Ok(script)
}

#[cfg(test)]
mod tests {
    use comanda_postgres::{AppliedMigration, PendingMigration};

    use super::*;

    #[test]
    fn a_status_says_where_each_migration_stands_and_what_to_do() {
        let applied = AppliedMigration {
            name: "2026-11-24-100000_accounts".to_owned(),
            applied_at: "2026-11-24 10:00:00".to_owned(),
        };
        let pending = PendingMigration {
            name: "2026-11-24-100100_menu".to_owned(),
            runs_in_transaction: true,
            sql: "CREATE TABLE menu_items ();\n".to_owned(),
        };
        let mut status = MigrationStatus {
            applied: vec![applied],
            pending: vec![pending],
            unknown: Vec::new(),
            under_way: Some("pid 7 (application comanda-migrate, since 2026-11-24 10:00:01)".to_owned()),
        };
        assert_eq!(
            report(&status).unwrap(),
            "applied  2026-11-24 10:00:00  2026-11-24-100000_accounts\n\
             pending                       2026-11-24-100100_menu\n\
             being migrated by pid 7 (application comanda-migrate, since 2026-11-24 10:00:01)\n\
             1 applied, 1 pending, 0 unknown: the database is behind this version: run `comanda migrate`\n"
        );
        assert_eq!(
            script(&status).unwrap(),
            "-- 2026-11-24-100100_menu, in a transaction\nCREATE TABLE menu_items ();\n\n"
        );
        (status.pending, status.under_way) = (Vec::new(), None);
        status.unknown.push("20270101000000".to_owned());
        let report = report(&status).unwrap();
        assert!(report.contains("unknown                       20270101000000\n"), "{report}");
        assert!(
            report.ends_with("1 applied, 0 pending, 1 unknown: the database is ahead of this version\n"),
            "{report}"
        );
    }
}
