//! Stripe's units of money, written down from <https://docs.stripe.com/currencies> (read in November 2026). They are
//! ISO 4217's minor units for most currencies, and not for all.

use std::num::NonZeroU32;

use comanda_domain::{ChargeableAmounts, Currency, Money};
use thiserror::Error;

/// "Supported presentment currencies" that are "two-decimal currencies unless otherwise specified".
const TWO_DECIMAL: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN", "BMD", "BND",
    "BOB", "BRL", "BSD", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CNY", "COP", "CRC", "CVE", "CZK", "DKK", "DOP",
    "DZD", "EGP", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GIP", "GMD", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF",
    "IDR", "ILS", "INR", "JMD", "KES", "KGS", "KHR", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL",
    "MKD", "MMK", "MNT", "MOP", "MUR", "MVR", "MWK", "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD",
    "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SBD", "SCR", "SEK", "SGD", "SHP",
    "SLE", "SOS", "SRD", "STD", "SZL", "THB", "TJS", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "UYU", "UZS",
    "WST", "XCD", "XCG", "YER", "ZAR", "ZMW",
];

/// "Zero-decimal currencies".
const ZERO_DECIMAL: &[&str] =
    &["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];

/// "Special cases": zero-decimal currencies that have to be represented as two-decimal values "where the decimal amount
/// is always 00". (HUF and TWD are special for payouts only, which nobody makes here.)
const TWO_DECIMAL_WITHOUT_FRACTIONS: &[&str] = &["ISK", "UGX"];

/// "Three-decimal currencies": the calls "require the least-significant (last) digit to be 0".
const THREE_DECIMAL: &[&str] = &["BHD", "JOD", "KWD", "OMR", "TND"];

/// "Minimum and maximum charge amounts", in Stripe's units, by the currency of the account's payouts.
const MINIMA: &[(&str, i64)] = &[
    ("AED", 200),
    ("AUD", 50),
    ("BGN", 100),
    ("BRL", 50),
    ("CAD", 50),
    ("CHF", 50),
    ("CZK", 1500),
    ("DKK", 250),
    ("EUR", 50),
    ("GBP", 30),
    ("HKD", 400),
    ("HUF", 17_500),
    ("INR", 50),
    ("JPY", 50),
    ("MXN", 1000),
    ("MYR", 200),
    ("NOK", 300),
    ("NZD", 50),
    ("PLN", 200),
    ("RON", 200),
    ("SEK", 300),
    ("SGD", 50),
    ("THB", 1000),
    ("USD", 50),
];

/// A currency that Stripe charges, with the units it counts it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StripeCurrency {
    currency: Currency,
    /// How many digits Stripe counts after the decimal point.
    digits: u32,
    /// What every amount has to be a multiple of, in Stripe's units.
    step: u32,
}

/// Stripe does not charge this currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Stripe does not charge {0} (https://docs.stripe.com/currencies)")]
pub struct NotAStripeCurrency(pub Currency);

impl TryFrom<Currency> for StripeCurrency {
    type Error = NotAStripeCurrency;

    fn try_from(currency: Currency) -> Result<Self, NotAStripeCurrency> {
        let is_in = |list: &[&str]| list.contains(&currency.code());
        let (digits, step) = if is_in(TWO_DECIMAL) {
            (2, 1)
        } else if is_in(ZERO_DECIMAL) {
            (0, 1)
        } else if is_in(TWO_DECIMAL_WITHOUT_FRACTIONS) {
            (2, 100)
        } else if is_in(THREE_DECIMAL) {
            (3, 10)
        } else {
            return Err(NotAStripeCurrency(currency));
        };
        Ok(Self { currency, digits, step })
    }
}

impl StripeCurrency {
    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// What can be charged to a card. The minimum is that of an account which is paid out in this currency; where
    /// Stripe documents none, Stripe itself decides.
    pub fn chargeable(self) -> ChargeableAmounts {
        let minimum = MINIMA.iter().find(|(code, _)| *code == self.currency.code());
        let minimum = minimum.and_then(|(_, minimum)| self.read(*minimum)).unwrap_or(Money::zero(self.currency));
        let (more, less) = self.factors();
        // A step of Stripe's in our minor units, or one minor unit if that is more.
        let step = u64::from(self.step) * less.unsigned_abs() / more.unsigned_abs();
        let step = u32::try_from(step).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        ChargeableAmounts::new(minimum, step)
    }

    /// An amount in Stripe's units. `None`: Stripe cannot express it, or it is of another currency.
    pub fn write(self, amount: Money) -> Option<i64> {
        let (more, less) = self.factors();
        let exact = amount.currency() == self.currency && amount.amount() % less == 0;
        let units = (amount.amount() / less).checked_mul(more).filter(|_| exact)?;
        (units % i64::from(self.step) == 0).then_some(units)
    }

    /// What Stripe's amount is in minor units. `None`: it is no whole number of them, or too large.
    pub fn read(self, units: i64) -> Option<Money> {
        let (more, less) = self.factors();
        let amount = (units / more).checked_mul(less).filter(|_| units % more == 0)?;
        Some(Money::new(amount, self.currency))
    }

    /// By what our minor units are multiplied, and by what they are divided, to become Stripe's. One of them is 1.
    const fn factors(self) -> (i64, i64) {
        let digits = self.currency.minor_digits();
        (10_i64.pow(self.digits.saturating_sub(digits)), 10_i64.pow(digits.saturating_sub(self.digits)))
    }
}

/// Reads an amount of whatever currency Stripe names.
pub(crate) fn read(units: i64, code: &str) -> Option<Money> {
    let currency: Currency = code.to_ascii_uppercase().parse().ok()?;
    StripeCurrency::try_from(currency).ok()?.read(units)
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;

    fn stripe(code: &str) -> StripeCurrency {
        StripeCurrency::try_from(code.parse::<Currency>().unwrap()).unwrap()
    }

    fn all() -> Vec<&'static str> {
        [TWO_DECIMAL, ZERO_DECIMAL, TWO_DECIMAL_WITHOUT_FRACTIONS, THREE_DECIMAL].concat()
    }

    /// The examples of Stripe's documentation, and what they are here.
    #[test]
    fn amounts_are_what_stripe_documents() {
        for (code, ours, stripes) in [
            ("USD", 1099, Some(1099)),
            ("JPY", 500, Some(500)),
            ("ISK", 500, Some(50_000)),
            ("UGX", 5, Some(500)),
            ("HUF", 17_500, Some(17_500)),
            ("TWD", 80_045, Some(80_045)),
            ("KWD", 5120, Some(5120)),
            ("KWD", 5124, None),
            ("MGA", 50_000, Some(500)),
            ("MGA", 50_001, None),
            ("JPY", i64::MAX, Some(i64::MAX)),
            ("ISK", i64::MAX, None),
        ] {
            let currency = stripe(code);
            assert_eq!(currency.write(Money::new(ours, currency.currency())), stripes, "{code} {ours}");
            let read = stripes.and_then(|stripes| currency.read(stripes));
            assert_eq!(read, stripes.map(|_| Money::new(ours, currency.currency())), "{code} {ours}");
        }
        assert_eq!(stripe("ISK").read(50_050), None, "there is no half a króna");
        assert_eq!(stripe("EUR").write(Money::new(500, "USD".parse().unwrap())), None);
        assert_eq!(read(900, "eur"), Some(Money::new(900, Currency::EUR)));
        assert_eq!((read(900, "xau"), read(900, "€")), (None, None));
    }

    #[test]
    fn every_minimum_is_of_a_currency_that_stripe_charges_and_can_be_charged() {
        for (code, units) in MINIMA {
            let (currency, minimum) = (stripe(code), stripe(code).read(*units).unwrap());
            assert_eq!(currency.chargeable().admit(minimum), Ok(()), "{code}");
            let less = Money::new(minimum.amount() - 1, minimum.currency());
            assert!(currency.chargeable().admit(less).is_err(), "{code}");
        }
        assert!(stripe("EUR").chargeable().admit(Money::new(40, Currency::EUR)).is_err());
    }

    #[test]
    fn no_currency_is_listed_twice() {
        let mut all = all();
        let listed = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), listed);
    }

    proptest! {
        /// What can be charged can be written, and what was written is read back equal.
        #[test]
        fn what_is_sent_is_what_comes_back(code in select(all()), amount in 0..1_000_000_000_i64) {
            let currency = stripe(code);
            let amount = Money::new(amount, currency.currency());
            let written = currency.write(amount);
            match currency.chargeable().admit(amount) {
                Ok(()) => prop_assert!(written.is_some()),
                Err(comanda_domain::NotChargeable::Fraction { .. }) => prop_assert_eq!(written, None),
                Err(_) => {}
            }
            if let Some(units) = written {
                prop_assert_eq!(currency.read(units), Some(amount));
                prop_assert_eq!(units % i64::from(currency.step), 0);
            }
        }
    }
}
