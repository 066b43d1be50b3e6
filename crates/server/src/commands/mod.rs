//! What an operator types.

mod admin;
mod check;
mod config;
mod keys;
mod menu;
mod migrate;
mod openapi;
mod payments;
mod serve;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::config::{CacheConfig, Config, ConfigError, PaymentsConfig, Source, StoreConfig};

/// The order desk of a restaurant: serves HTTP, and what an operator needs beside it.
#[derive(Parser)]
#[command(version)]
pub struct Comanda {
    /// A TOML file with settings; environment variables come first. `comanda config list` shows them all.
    #[arg(long, global = true, env = "COMANDA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve HTTP until told to stop
    Serve,
    /// Bring the database up to date
    Migrate,
    /// Import or export the menu, or have its copies renewed
    #[command(subcommand)]
    Menu(menu::MenuCommand),
    /// Look after admins
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Hold the tables against every invariant; fails where one is broken
    Check,
    /// Look after payments
    #[command(subcommand)]
    Payments(payments::PaymentsCommand),
    /// Print the `OpenAPI` document
    Openapi,
    /// Look at the configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Make keys
    #[command(subcommand)]
    Keys(keys::KeysCommand),
}

impl Comanda {
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let settings = Settings { file: self.config };
        match self.command {
            Command::Serve => serve::run(&settings.server()?).await?,
            Command::Migrate => migrate::run(&settings.store()?).await?,
            Command::Menu(command) => command.run(&settings).await?,
            Command::Admin(command) => command.run(&settings.store()?).await?,
            Command::Check => return check::run(&settings.store()?).await,
            Command::Payments(command) => return command.run(&settings.payments()?).await,
            Command::Openapi => openapi::run()?,
            Command::Config(command) => command.run(&settings)?,
            Command::Keys(command) => command.run()?,
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

    fn payments(&self) -> Result<PaymentsConfig, ConfigError> {
        PaymentsConfig::load(Source::system(self.file.as_deref()))
    }

    fn store(&self) -> Result<StoreConfig, ConfigError> {
        StoreConfig::load(Source::system(self.file.as_deref()))
    }
}

/// What commands print goes to standard output, whole, or fails: a full disk under an export is no success.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write;

    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}
