use clap::Subcommand;
use comanda_identity::generate_signing_key;
use secrecy::ExposeSecret;

use super::print;

#[derive(Subcommand)]
pub enum KeysCommand {
    /// Print a new private key for `JWT_SIGNING_KEY`
    Generate,
}

impl KeysCommand {
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Generate => print(generate_signing_key()?.expose_secret()),
        }
    }
}
