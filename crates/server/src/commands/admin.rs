use anyhow::anyhow;
use clap::Subcommand;
use comanda_application::accounts::{OpenAccountError, Registration};
use comanda_domain::{Email, EmailError, Password, PersonName, ports::ExistingAccount};

use super::{Settings, accounts, print};
use crate::{app, config::StoreConfig, exit::UsageError, logging};

#[derive(Subcommand)]
pub enum AdminCommand {
    /// Create an admin's account.
    ///
    /// The password is read from the environment variable `ADMIN_PASSWORD`. An address that has an account already is
    /// refused, because whoever registered it may be somebody else: see `--existing`.
    Create {
        /// The admin's email address.
        #[arg(long, env = "ADMIN_EMAIL", hide_env_values = true)]
        email: String,
        /// The name of a new account.
        #[arg(long, default_value = "Admin")]
        name: String,
        /// If the address has an account: make it an admin's with this password, enable it and end its sessions.
        #[arg(long)]
        existing: bool,
    },
    /// Renamed: `comanda accounts unlock EMAIL`.
    #[command(hide = true)]
    Unlock {
        /// The locked email address.
        #[arg(long)]
        email: String,
        /// Why; the audit log keeps it.
        #[arg(long)]
        reason: String,
    },
}

impl AdminCommand {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        match self {
            Self::Create { email, name, existing } => {
                let existing = if existing { ExistingAccount::Appointed } else { ExistingAccount::Refused };
                create(&email, &name, existing, &settings.store()?).await
            }
            Self::Unlock { email, reason } => {
                eprintln!("`comanda admin unlock` is now `comanda accounts unlock EMAIL`.");
                accounts::unlock(&email, &reason, &settings.lockouts()?).await
            }
        }
    }
}

async fn create(email: &str, name: &str, existing: ExistingAccount, config: &StoreConfig) -> anyhow::Result<()> {
    // Not an argument: a command line can be read by everybody on the machine.
    let password = std::env::var("ADMIN_PASSWORD").map_err(|why| UsageError::new("ADMIN_PASSWORD", why))?;
    let email = address(Email::new(email))?;
    let name = PersonName::new(name).map_err(|why| UsageError::new("the name", why))?;
    let chosen = Password::choose(password).map_err(|why| UsageError::new("ADMIN_PASSWORD", why))?;
    let password = chosen.for_account(&email, &name).map_err(|why| UsageError::new("ADMIN_PASSWORD", why))?;
    logging::start(&config.log, None)?;
    let (setup, _workers) = app::setup(config).await?;
    let registration = Registration { email: email.clone(), name, password };
    let account = setup.appoint_admin(registration, existing).await.map_err(|error| match error {
        OpenAccountError::EmailTaken => anyhow!("{email} has an account already; if it is the right one: --existing"),
        error => error.into(),
    })?;
    print(&format!("{} is an admin.\n", account.email))
}

pub(super) fn address(email: Result<Email, EmailError>) -> Result<Email, UsageError> {
    email.map_err(|why| UsageError::new("the email address", why))
}
