use anyhow::{Context, anyhow};
use clap::Subcommand;
use comanda_domain::{Email, Reason, ports::CloseSessionsError};

use super::{Settings, print};
use crate::{app, config::StoreConfig, exit::UsageError, logging};

#[derive(Subcommand)]
pub enum SessionsCommand {
    /// End all sessions of an account, or of all accounts, whose owners can sign in again. Written to the audit log.
    ///
    /// Servers refuse the sessions within two seconds.
    End {
        /// The account's email address.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        email: Option<String>,
        /// The sessions of all accounts, as after a leak of keys.
        #[arg(long)]
        all: bool,
        /// Why; the audit log keeps it.
        #[arg(long, default_value = "by an operator")]
        reason: String,
    },
}

impl SessionsCommand {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let Self::End { email, all: _, reason } = self;
        let email = email.map(|email| Email::attempt(&email)).transpose();
        let email = email.map_err(|why| UsageError::new("the email address", why))?;
        let reason = Reason::new(&reason).map_err(|why| UsageError::new("the reason", why))?;
        let config = settings.store()?;
        logging::start(&config.log, None)?;
        let Some(email) = email else { return end_all(&config, reason).await };
        let ended = app::end_sessions(&config).await?.end(&email, reason).await.map_err(|error| match error {
            CloseSessionsError::NotFound => anyhow!("no account has the address {email}"),
            error => error.into(),
        })?;
        print(&format!("{ended} session(s) of {email} ended.\n"))
    }
}

/// One account after the other, each in a transaction of its own: what was ended stays so.
async fn end_all(config: &StoreConfig, reason: Reason) -> anyhow::Result<()> {
    let database = app::open_database(config).await?;
    let service = app::end_sessions(config).await?;
    let (mut accounts, mut ended, mut after) = (0_u64, 0, None);
    loop {
        let page = comanda_postgres::signed_in(&database, after).await?;
        for account in &page {
            match service.end_of(*account, reason.clone()).await {
                Ok(count) => ended += count,
                // It was deleted meanwhile.
                Err(CloseSessionsError::NotFound) => continue,
                Err(error) => return Err(error).context(format!("after {ended} session(s) of {accounts} account(s)")),
            }
            accounts += 1;
        }
        after = page.last().copied();
        if after.is_none() {
            return print(&format!("{ended} session(s) of {accounts} account(s) ended.\n"));
        }
    }
}
