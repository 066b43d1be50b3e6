use anyhow::{Context, bail};
use clap::Subcommand;
use comanda_application::accounts::Registration;
use comanda_domain::{email::Email, password::Password, text::PersonName};

use super::print;
use crate::{app, config::StoreConfig};

#[derive(Subcommand)]
pub enum AdminCommand {
    /// Open an admin's account, or make the address's account an admin with this password
    Create {
        #[arg(long, env = "ADMIN_EMAIL")]
        email: String,
        #[arg(long, default_value = "Admin")]
        name: String,
    },
}

impl AdminCommand {
    pub async fn run(self, config: &StoreConfig) -> anyhow::Result<()> {
        let Self::Create { email, name } = self;
        // Not an argument: a command line can be read by everybody on the machine.
        let Ok(password) = std::env::var("ADMIN_PASSWORD") else {
            bail!("put the password into the environment variable ADMIN_PASSWORD")
        };
        let registration = Registration {
            email: Email::new(&email).context("the e-mail address")?,
            name: PersonName::new(&name).context("the name")?,
            password: Password::choose(password).context("the password")?,
        };
        let account = app::setup(config).await?.appoint_admin(registration).await?;
        print(&format!("{} is an admin.\n", account.email))
    }
}
