//! How the program ends, for whoever runs it from a script.

use std::{error::Error, fmt::Display, process::ExitCode, time::Duration};

use comanda_postgres::DatabaseUrl;
use comanda_tls::reason;
use thiserror::Error;

use crate::config::ConfigError;

/// Shown by `comanda --help`.
pub const CODES: &str = "\
Exit codes:
  0  success
  1  a broken invariant, a difference, something that could not be looked at, or a command that was refused, failed or
     had nothing to work on
  2  a mistake in the usage or the configuration
  3  an unreachable service: PostgreSQL, Redis or Stripe";

const USAGE: u8 = 2;
pub const UNREACHABLE: u8 = 3;

/// The command was given something it cannot work with.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct UsageError(String);

impl UsageError {
    /// `what` was wrong, and why.
    pub fn new(what: &str, why: impl Display) -> Self {
        Self(format!("{what}: {why}"))
    }
}

/// A service could not be reached.
#[derive(Debug, Error)]
#[error("{setting}: cannot reach {service} at {address}: {cause}")]
pub struct Unreachable {
    setting: &'static str,
    service: &'static str,
    address: String,
    cause: String,
}

impl Unreachable {
    /// `setting` says where the service is; `address` is the host and the port, without any password. Only the root
    /// cause of the error is shown.
    pub fn new(setting: &'static str, service: &'static str, address: &str, error: &(dyn Error + 'static)) -> Self {
        Self { setting, service, address: address.to_owned(), cause: reason(error) }
    }

    /// PostgreSQL, which `error` says cannot be connected to. Tries once more, for the cause.
    pub async fn postgres(setting: &'static str, url: &DatabaseUrl, error: &(impl Error + 'static)) -> Self {
        const WAIT: Duration = Duration::from_secs(2);
        match url.probe(WAIT).await {
            Err(cause) => Self::new(setting, "PostgreSQL", url.addresses(), &cause),
            Ok(()) => Self::new(setting, "PostgreSQL", url.addresses(), error),
        }
    }
}

/// Whether PostgreSQL or Redis is out of reach.
pub fn is_unreachable(error: &anyhow::Error) -> bool {
    error.chain().any(<dyn Error>::is::<Unreachable>)
}

/// The code for a failure.
pub fn code_of(error: &anyhow::Error) -> ExitCode {
    if is_unreachable(error) {
        UNREACHABLE.into()
    } else if error.chain().any(|cause| cause.is::<UsageError>() || cause.is::<ConfigError>()) {
        USAGE.into()
    } else {
        ExitCode::FAILURE
    }
}
