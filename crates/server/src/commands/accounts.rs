use clap::Subcommand;

use super::{Settings, admin};

#[derive(Subcommand)]
pub enum AccountsCommand {
    /// Lift the lock that wrong passwords have put on an address. Written to the audit log.
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
        admin::unlock(&email, &reason, &settings.lockouts()?).await
    }
}
