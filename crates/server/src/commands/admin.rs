use anyhow::anyhow;
use clap::Subcommand;
use comanda_application::accounts::{OpenAccountError, Registration};
use comanda_domain::{Email, Password, PersonName, ports::ExistingAccount};

use super::print;
use crate::{app, config::StoreConfig, exit::UsageError};

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
}

impl AdminCommand {
    pub async fn run(self, config: &StoreConfig) -> anyhow::Result<()> {
        let Self::Create { email, name, existing } = self;
        // Not an argument: a command line can be read by everybody on the machine.
        let password = std::env::var("ADMIN_PASSWORD").map_err(|why| UsageError::new("ADMIN_PASSWORD", why))?;
        let registration = Registration {
            email: Email::new(&email).map_err(|why| UsageError::new("the email address", why))?,
            name: PersonName::new(&name).map_err(|why| UsageError::new("the name", why))?,
            password: Password::choose(password).map_err(|why| UsageError::new("ADMIN_PASSWORD", why))?,
        };
        let (setup, _workers) = app::setup(config).await?;
        let existing = if existing { ExistingAccount::Appointed } else { ExistingAccount::Refused };
        let account = setup.appoint_admin(registration, existing).await.map_err(|error| match error {
            OpenAccountError::EmailTaken => {
                anyhow!("{email} has an account already; if it is the right one: --existing")
            }
            error => error.into(),
        })?;
        print(&format!("{} is an admin.\n", account.email))
    }
}
