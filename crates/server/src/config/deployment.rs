//! What a deployment is.

use std::str::FromStr;

use chrono_tz::Tz;
use comanda_domain::Currency;

use super::{reader::Reader, setting::settings};

settings! {
    /// What a deployment is.
    pub struct Deployment checked by check {
        MODE => mode: Mode = "production",
            "`production`, or `development`, where card payments can be simulated and mails can be written to a \
             folder.";
        CURRENCY => currency: Currency = "EUR",
            "The deployment's one currency (ISO 4217). Prices are stored in minor units without it: never change \
             it later.";
        TIME_ZONE => time_zone: Option<Tz> = "",
            "Where the restaurant is (`Europe/Berlin`): the pages of the staff show times, and divide days, as they are \
             there. Unless given, as they are where the browser is.";
    }
}

/// The mode and the currency decide what other sections refuse, whatever else is wrong in this one.
fn check(draft: &Draft, reader: &mut Reader) {
    if let Some(mode) = draft.mode {
        reader.set_mode(mode);
    }
    if let Some(currency) = draft.currency {
        reader.set_currency(currency);
    }
}

/// What a deployment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Production,
    Development,
}

impl FromStr for Mode {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "production" => Ok(Self::Production),
            "development" => Ok(Self::Development),
            _ => Err("must be production or development"),
        }
    }
}
