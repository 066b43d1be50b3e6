use clap::Subcommand;
use comanda_domain::{FeatureFlag, Percentage};

use super::{Settings, print};
use crate::{app, exit::UsageError, logging};

#[derive(Subcommand)]
pub enum FlagsCommand {
    /// Set a feature flag for every server. Written to the audit log.
    ///
    /// Servers go by it within seconds.
    Set {
        /// The flag.
        #[arg(value_parser = FeatureFlag::ALL.map(FeatureFlag::as_str))]
        name: String,
        /// `on`, `off`, or for how many in a hundred it is on.
        value: String,
    },
}

impl FlagsCommand {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let Self::Set { name, value } = self;
        let flag = name.parse::<FeatureFlag>().map_err(|why| UsageError::new("the flag", why))?;
        let percentage = percentage(&value)?;
        let config = settings.lockouts()?;
        logging::start(&config.log, None)?;
        app::operations(&config).await?.set_flag_as_operator(flag, percentage).await?;
        print(&format!("{flag} is on for {} %.\n", percentage.get()))
    }
}

fn percentage(value: &str) -> Result<Percentage, UsageError> {
    let number = match value {
        "on" => Ok(100),
        "off" => Ok(0),
        number => number.parse::<i64>(),
    };
    number.ok().and_then(|number| Percentage::new(number).ok()).ok_or_else(|| {
        UsageError::new("the value", format!("{value:?} is neither on nor off nor a number from 0 to 100"))
    })
}
