use clap::Subcommand;

use super::print;
use crate::identity::generate_signing_key;

#[derive(Subcommand)]
pub enum KeysCommand {
    /// Print a new private key for `JWT_SIGNING_KEY`
    Generate,
}

impl KeysCommand {
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Generate => print(&generate_signing_key()?),
        }
    }
}
