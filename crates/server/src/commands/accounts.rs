use anyhow::anyhow;
use clap::Subcommand;
use comanda_application::operations::OperatorUnlockError;
use comanda_domain::{Email, Reason};

use super::{Settings, admin::address, print};
use crate::{app, config::LockoutsConfig, exit::UsageError, logging};

#[derive(Subcommand)]
pub enum AccountsCommand {
    /// Lift the lock that wrong passwords have put on an address. Written to the audit log.
    ///
    /// Exits with 1 if the address is no account's and is not known to be locked.
    Unlock {
        /// The locked email address.
        email: String,
        /// Why; the audit log keeps it.
        #[arg(long, default_value = "by an operator")]
        reason: String,
    },
}

impl AccountsCommand {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let Self::Unlock { email, reason } = self;
        unlock(&email, &reason, &settings.lockouts()?).await
    }
}

pub(super) async fn unlock(email: &str, reason: &str, config: &LockoutsConfig) -> anyhow::Result<()> {
    let email = address(Email::attempt(email))?;
    let reason = Reason::new(reason).map_err(|why| UsageError::new("the reason", why))?;
    logging::start(&config.log, None)?;
    let unlocked = app::operations(config).await?.unlock_as_operator(&email, reason).await;
    let unlocked = unlocked.map_err(|error| match error {
        OperatorUnlockError::Unknown => anyhow!("no account has the address {email}, and it is not known to be locked"),
        error @ OperatorUnlockError::Unavailable(_) => error.into(),
    })?;
    match unlocked {
        true => print(&format!("{email} is unlocked.\n")),
        false => {
            print(&format!("{email} was not locked in Redis. A server that has locked it by itself unlocks it now.\n"))
        }
    }
}
