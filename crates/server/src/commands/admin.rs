use clap::Subcommand;
use comanda_application::accounts::Registration;
use comanda_domain::{Email, Password, PersonName};

use super::print;
use crate::{app, config::StoreConfig, exit::UsageError};

#[derive(Subcommand)]
pub enum AdminCommand {
    /// Create an admin's account, or make an existing account an admin with a new password.
    ///
    /// The password is read from the environment variable `ADMIN_PASSWORD`.
    Create {
        /// The admin's email address.
        #[arg(long, env = "ADMIN_EMAIL", hide_env_values = true)]
        email: String,
        /// The name of a new account.
        #[arg(long, default_value = "Admin")]
        name: String,
    },
}

impl AdminCommand {
    pub async fn run(self, config: &StoreConfig) -> anyhow::Result<()> {
        let Self::Create { email, name } = self;
        // Not an argument: a command line can be read by everybody on the machine.
        let password = std::env::var("ADMIN_PASSWORD").map_err(|why| UsageError::new("ADMIN_PASSWORD", why))?;
        let registration = Registration {
            email: Email::new(&email).map_err(|why| UsageError::new("the email address", why))?,
            name: PersonName::new(&name).map_err(|why| UsageError::new("the name", why))?,
            password: Password::choose(password).map_err(|why| UsageError::new("ADMIN_PASSWORD", why))?,
        };
        let (setup, _workers) = app::setup(config).await?;
        let account = setup.appoint_admin(registration).await?;
        print(&format!("{} is an admin.\n", account.email))
    }
}
