use clap::Subcommand;
use comanda_application::accounts::Registration;
use comanda_domain::{Email, Password, PersonName, Reason};

use super::{Settings, print};
use crate::{
    app,
    config::{LockoutsConfig, StoreConfig},
    exit::UsageError,
    logging,
};

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
    /// Lift the lock that wrong passwords have put on an address. Written to the audit log.
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
            Self::Create { email, name } => create(&email, &name, &settings.store()?).await,
            Self::Unlock { email, reason } => unlock(&email, &reason, &settings.lockouts()?).await,
        }
    }
}

async fn create(email: &str, name: &str, config: &StoreConfig) -> anyhow::Result<()> {
    // Not an argument: a command line can be read by everybody on the machine.
    let password = std::env::var("ADMIN_PASSWORD").map_err(|why| UsageError::new("ADMIN_PASSWORD", why))?;
    let email = address(email)?;
    let name = PersonName::new(name).map_err(|why| UsageError::new("the name", why))?;
    let chosen = Password::choose(password).map_err(|why| UsageError::new("ADMIN_PASSWORD", why))?;
    let password = chosen.for_account(&email, &name).map_err(|why| UsageError::new("ADMIN_PASSWORD", why))?;
    logging::start(&config.log, None)?;
    let (setup, _workers) = app::setup(config).await?;
    let account = setup.appoint_admin(Registration { email, name, password }).await?;
    print(&format!("{} is an admin.\n", account.email))
}

async fn unlock(email: &str, reason: &str, config: &LockoutsConfig) -> anyhow::Result<()> {
    let email = address(email)?;
    let reason = Reason::new(reason).map_err(|why| UsageError::new("the reason", why))?;
    logging::start(&config.log, None)?;
    app::operations(config).await?.unlock_as_operator(&email, reason).await?;
    print(&format!("{email} is unlocked.\n"))
}

fn address(text: &str) -> Result<Email, UsageError> {
    Email::new(text).map_err(|why| UsageError::new("the email address", why))
}
