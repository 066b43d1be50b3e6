//! What an operator types.

mod accounts;
mod admin;
mod check;
mod completions;
mod config;
mod dead_letters;
mod doctor;
mod flags;
mod keys;
mod man;
mod menu;
pub mod menu_file;
mod migrate;
mod openapi;
mod orders;
mod payments;
mod row_file;
mod serve;
mod sessions;
mod status;
mod supplies;
pub mod supplies_file;

use std::{
    io::{self, ErrorKind, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::{
    config::{
        CacheConfig, Config, ConfigError, EventsConfig, LockoutsConfig, OrdersConfig, PaymentsConfig, Source,
        StoreConfig,
    },
    exit,
};

/// The ordering backend of a restaurant: the HTTP server, and commands for its operator.
#[derive(Parser)]
#[command(name = "comanda", version, after_help = exit::CODES)]
pub struct Comanda {
    /// A TOML file with settings; environment variables take precedence. `comanda config list` shows all settings.
    #[arg(long, global = true, env = "COMANDA_CONFIG", hide_env_values = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve HTTP until told to stop.
    Serve,
    /// Migrate the database to this version's schema.
    ///
    /// If `MIGRATION_DATABASE_URL` names the role that owns the tables, the role of `DATABASE_URL` is granted what a
    /// server needs. A migration that was interrupted is simply run again.
    Migrate(migrate::Migrate),
    /// Import or export the menu, or renew the copies of it.
    #[command(subcommand)]
    Menu(menu::MenuCommand),
    /// Import or export the supplies.
    #[command(subcommand)]
    Supplies(supplies::SuppliesCommand),
    /// Manage admins.
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Manage accounts.
    #[command(subcommand)]
    Accounts(accounts::AccountsCommand),
    /// Manage sessions.
    #[command(subcommand)]
    Sessions(sessions::SessionsCommand),
    /// Show what waits, for whom or what, and why.
    ///
    /// Events for each subscriber, events of the payment gateway, payments, refunds and mails; the oldest snapshot,
    /// which may hold up deliveries; pending migrations; and leases.
    ///
    /// Whatever it finds, it exits with 0 if it has seen everything. What it could not see it names; it then exits with
    /// 1, or with 3 if PostgreSQL is not reached.
    Status(status::Status),
    /// Look for what is wrong with a deployment, and say what to do.
    ///
    /// Settings, whether PostgreSQL and Redis are reached, their versions and clocks, connections, pooling, migrations,
    /// roles and grants, triggers, constraints and indexes, the disk and backups, as far as they can be known from
    /// here. Changes nothing.
    ///
    /// Exits with 1 if there is a problem, with 3 if PostgreSQL or Redis is not reached. A notice does not change the
    /// exit code.
    Doctor(doctor::Doctor),
    /// Manage events whose delivery was given up.
    #[command(subcommand)]
    DeadLetters(dead_letters::DeadLettersCommand),
    /// Manage feature flags.
    #[command(subcommand)]
    Flags(flags::FlagsCommand),
    /// Cancel orders.
    #[command(subcommand)]
    Orders(orders::OrdersCommand),
    /// Check every invariant against the database, and that triggers, constraints and indexes are in place.
    ///
    /// Exits with 1 if one is broken. Reads whole tables. A notice, such as that the server's database role could
    /// change the audit log, does not change the exit code.
    Check(check::Check),
    /// Manage payments.
    #[command(subcommand)]
    Payments(payments::PaymentsCommand),
    /// Print the HTTP interface as an `OpenAPI` document.
    Openapi,
    /// Check the configuration, or list all settings.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Generate keys.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Print a completion script for a shell.
    Completions(completions::Completions),
    /// Print the manual page, or write the pages of all commands into a folder.
    Man(man::Man),
}

impl Comanda {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let settings = Settings { file: self.config };
        match self.command {
            Command::Serve => serve::run(settings).await?,
            Command::Migrate(command) => command.run(&settings.store()?).await?,
            Command::Menu(command) => command.run(&settings).await?,
            Command::Supplies(command) => command.run(&settings.store()?).await?,
            Command::Admin(command) => command.run(&settings).await?,
            Command::Accounts(command) => command.run(&settings).await?,
            Command::Sessions(command) => command.run(&settings).await?,
            Command::Status(command) => return command.run(&settings.store()?).await,
            Command::Doctor(command) => return command.run(&settings).await,
            Command::DeadLetters(command) => command.run(&settings).await?,
            Command::Flags(command) => command.run(&settings).await?,
            Command::Orders(command) => return command.run(&settings).await,
            Command::Check(command) => return command.run(&settings.store()?).await,
            Command::Payments(command) => return command.run(&settings.payments()?).await,
            Command::Openapi => openapi::run()?,
            Command::Config(command) => command.run(&settings)?,
            Command::Keys(command) => command.run()?,
            Command::Completions(command) => command.run()?,
            Command::Man(command) => command.run()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Where the settings are; read when a command knows which it needs.
pub(crate) struct Settings {
    file: Option<PathBuf>,
}

impl Settings {
    pub(crate) fn server(&self) -> Result<Config, ConfigError> {
        Config::load(Source::system(self.file.as_deref()))
    }

    fn cache(&self) -> Result<CacheConfig, ConfigError> {
        CacheConfig::load(Source::system(self.file.as_deref()))
    }

    fn events(&self) -> Result<EventsConfig, ConfigError> {
        EventsConfig::load(Source::system(self.file.as_deref()))
    }

    fn orders(&self) -> Result<OrdersConfig, ConfigError> {
        OrdersConfig::load(Source::system(self.file.as_deref()))
    }

    fn payments(&self) -> Result<PaymentsConfig, ConfigError> {
        PaymentsConfig::load(Source::system(self.file.as_deref()))
    }

    fn lockouts(&self) -> Result<LockoutsConfig, ConfigError> {
        LockoutsConfig::load(Source::system(self.file.as_deref()))
    }

    fn store(&self) -> Result<StoreConfig, ConfigError> {
        StoreConfig::load(Source::system(self.file.as_deref()))
    }
}

/// Whether a command reports to a person or to a program.
#[derive(clap::Args)]
struct Format {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Writes what a command prints to standard output, whole. A full disk under an export is a failure; a reader that has
/// seen enough, such as `head`, is not.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    print(&format!("{}\n", serde_json::to_string_pretty(value)?))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        Comanda::command().debug_assert();
    }

    #[test]
    fn the_help_changes_only_on_purpose() {
        let mut help = String::new();
        describe(Comanda::command().term_width(100), &mut help);
        insta::assert_snapshot!(help);
    }

    /// The help of a command and of all below it.
    fn describe(mut command: clap::Command, help: &mut String) {
        command.build();
        help.push_str(&command.render_long_help().to_string());
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            writeln!(help, "\n---- {}\n", inner.get_bin_name().unwrap_or(inner.get_name())).unwrap();
            describe(inner.clone(), help);
        }
    }
}
