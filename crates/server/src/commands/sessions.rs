use anyhow::anyhow;
use clap::Subcommand;
use comanda_application::operations::{EndSessions, EndedAll};
use comanda_domain::{Email, Reason, ports::CloseSessionsError};

use super::{Settings, print};
use crate::{app, exit::UsageError, logging};

#[derive(Subcommand)]
pub enum SessionsCommand {
    /// End all sessions of an account, whose owner can sign in again, or of all accounts. Written to the audit log.
    ///
    /// Servers refuse the sessions within two seconds. With `--all`, they are ended a hundred accounts at a time; if
    /// that fails half-way, what was ended stays so, and the command can be repeated.
    End {
        /// The account's email address.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        email: Option<String>,
        /// The sessions of all accounts. Without `--yes`, only count them.
        #[arg(long)]
        all: bool,
        /// End them.
        #[arg(long, requires = "all", conflicts_with = "email")]
        yes: bool,
        /// Why; the audit log keeps it.
        #[arg(long, default_value = "by an operator")]
        reason: String,
    },
}

impl SessionsCommand {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let Self::End { email, yes, reason, .. } = self;
        let email = email.map(|email| Email::attempt(&email)).transpose();
        let email = email.map_err(|why| UsageError::new("the email address", why))?;
        let reason = Reason::new(&reason).map_err(|why| UsageError::new("the reason", why))?;
        let config = settings.store()?;
        logging::start(&config.log, None)?;
        let service = app::end_sessions(&config).await?;
        let Some(email) = email else { return end_all(&service, yes, &reason).await };
        let ended = service.end(&email, reason).await.map_err(|error| match error {
            CloseSessionsError::NotFound => anyhow!("no account has the address {email}"),
            error => error.into(),
        })?;
        print(&format!("{ended} session(s) of {email} ended.\n"))
    }
}

async fn end_all(service: &EndSessions, yes: bool, reason: &Reason) -> anyhow::Result<()> {
    if !yes {
        let open = service.count_all().await?;
        return print(&format!("{open} session(s) would end. Nothing has changed: --yes ends them.\n"));
    }
    let EndedAll { sessions, failure } = service.end_all(reason).await;
    print(&format!("{sessions} session(s) ended.\n"))?;
    failure.map_or(Ok(()), |failure| Err(failure.into()))
}
