use clap::Subcommand;
use comanda_identity::generate_signing_key;
use secrecy::ExposeSecret;

use super::print;

#[derive(Subcommand)]
pub enum KeysCommand {
    /// Generate a private key for `JWT_SIGNING_KEY` and print it.
    Generate,
}

impl KeysCommand {
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Generate => print(generate_signing_key()?.expose_secret()),
        }
    }
}
