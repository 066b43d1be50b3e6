use std::io::{self, Read};

use anyhow::Context;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use clap::Subcommand;
use comanda_identity::{generate_signing_key, public_key_of};
use secrecy::ExposeSecret;

use super::print;
use crate::exit::UsageError;

#[derive(Subcommand)]
pub enum KeysCommand {
    /// Generate a private key for `JWT_SIGNING_KEY` and print it.
    Generate,
    /// Print the public key of a private key that is given on standard input, for `JWT_VERIFICATION_KEYS`.
    Public,
    /// Generate a secret for `SECRET_KEY` and print it.
    Secret,
}

impl KeysCommand {
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Generate => print(generate_signing_key()?.expose_secret()),
            Self::Public => {
                let mut pem = String::new();
                io::stdin().read_to_string(&mut pem).context("cannot read the private key")?;
                let public = public_key_of(&pem.into());
                print(
                    &public
                        .map_err(|_| UsageError::new("standard input", "not an Ed25519 private key (PKCS #8 PEM)"))?,
                )
            }
            Self::Secret => print(&format!("{}\n", BASE64.encode(rand::random::<[u8; 32]>()))),
        }
    }
}
