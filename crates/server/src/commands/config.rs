use clap::Subcommand;
use comanda_identity::TokenKeys;

use super::{Settings, print};
use crate::config::settings_table;

#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Read every setting as `serve` would, and list every mistake
    Check,
    /// Show every setting with its default and meaning, as a table in Markdown
    List,
}

impl ConfigCommand {
    pub fn run(self, settings: &Settings) -> anyhow::Result<()> {
        match self {
            Self::Check => {
                let config = settings.server()?;
                // The keys are checked as well: `serve` would stumble over them.
                TokenKeys::new(config.tokens.signing_key.as_ref(), config.tokens.verification_keys.as_ref())?;
                print("The configuration is usable.\n")
            }
            Self::List => print(&settings_table()),
        }
    }
}
