use anyhow::anyhow;
use clap::Subcommand;
use comanda_domain::{Email, Reason, ports::CloseSessionsError};

use super::{Settings, print};
use crate::{app, exit::UsageError, logging};

#[derive(Subcommand)]
pub enum SessionsCommand {
    /// End all sessions of an account, whose owner can sign in again. Written to the audit log.
    ///
    /// Servers refuse the sessions within two seconds.
    End {
        /// The account's email address.
        email: String,
        /// Why; the audit log keeps it.
        #[arg(long, default_value = "by an operator")]
        reason: String,
    },
}

impl SessionsCommand {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let Self::End { email, reason } = self;
        let email = Email::attempt(&email).map_err(|why| UsageError::new("the email address", why))?;
        let reason = Reason::new(&reason).map_err(|why| UsageError::new("the reason", why))?;
        let config = settings.store()?;
        logging::start(&config.log, None)?;
        let ended = app::end_sessions(&config).await?.end(&email, reason).await.map_err(|error| match error {
            CloseSessionsError::NotFound => anyhow!("no account has the address {email}"),
            error => error.into(),
        })?;
        print(&format!("{ended} session(s) of {email} ended.\n"))
    }
}
