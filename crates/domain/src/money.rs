//! Money in integer minor units (ISO 4217), never in floating point.

use std::{fmt, str::FromStr};

use thiserror::Error;

use crate::Quantity;

/// An ISO 4217 currency code. A deployment uses one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "String", into = "String")
)]
pub struct Currency([u8; 3]);

/// The text is not three upper-case letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a currency is three upper-case letters (ISO 4217), such as EUR")]
pub struct NotACurrency;

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");

    /// The three letters.
    pub fn code(&self) -> &str {
        // Upper-case ASCII by construction.
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Whether it is this one, in constant expressions.
    pub(crate) const fn is(self, other: Self) -> bool {
        self.number() == other.number()
    }

    const fn number(self) -> u32 {
        let [a, b, c] = self.0;
        u32::from_be_bytes([0, a, b, c])
    }

    /// How many digits follow the decimal point: ISO 4217's "minor unit" column.
    pub const fn minor_digits(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX"
            | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = NotACurrency;

    fn from_str(text: &str) -> Result<Self, NotACurrency> {
        match text.as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_uppercase) => Ok(Self([a, b, c])),
            _ => Err(NotACurrency),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = NotACurrency;

    fn try_from(code: String) -> Result<Self, NotACurrency> {
        code.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why an amount could not be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum MoneyError {
    /// The result does not fit into 64 bits.
    #[error("the amount is too large")]
    Overflow,
    /// Two amounts of different currencies met.
    #[error("amounts of different currencies cannot be added")]
    CurrencyMismatch,
}

/// An amount of money in minor units: 1250 with EUR is 12.50 €.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Money {
    amount: i64,
    currency: Currency,
}

impl Money {
    /// `amount` in minor units.
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// An amount of zero.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// The amount in minor units.
    pub const fn amount(self) -> i64 {
        self.amount
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The sum, or why there is none.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch);
        }
        let amount = self.amount.checked_add(other.amount).ok_or(MoneyError::Overflow)?;
        Ok(Self { amount, ..self })
    }

    /// The amount times the quantity, or [`MoneyError::Overflow`].
    pub fn checked_times(self, quantity: Quantity) -> Result<Self, MoneyError> {
        let amount = self.amount.checked_mul(i64::from(quantity.get())).ok_or(MoneyError::Overflow)?;
        Ok(Self { amount, ..self })
    }
}

impl fmt::Display for Money {
    /// As a decimal number without the currency: `12.50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.currency.minor_digits();
        let scale = 10_u64.pow(digits);
        let magnitude = self.amount.unsigned_abs();
        let sign = if self.amount < 0 { "-" } else { "" };
        write!(f, "{sign}{}", magnitude / scale)?;
        if digits > 0 {
            write!(f, ".{:0width$}", magnitude % scale, width = digits as usize)?;
        }
        Ok(())
    }
}

/// Why a price was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum PriceError {
    /// Below zero, or above [`Price::MAX`].
    #[error("must be between 0 and {} minor units", Price::MAX)]
    OutOfRange,
    /// Not a decimal number with at most as many decimals as the currency has.
    #[error("must be a decimal number such as 12.50")]
    NotANumber,
}

/// What one of a menu item costs: 0 to [`Price::MAX`] minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(try_from = "Money", into = "Money"))]
pub struct Price(Money);

impl Price {
    /// The greatest price in minor units. Fifty lines of a hundred each at this price still fit into 64 bits
    /// many times over, so a total never overflows.
    pub const MAX: i64 = 100_000_000;

    /// `amount` in minor units.
    pub fn new(amount: i64, currency: Currency) -> Result<Self, PriceError> {
        if (0..=Self::MAX).contains(&amount) {
            Ok(Self(Money::new(amount, currency)))
        } else {
            Err(PriceError::OutOfRange)
        }
    }

    /// Reads what a person writes into a spreadsheet: `12.5`, `12.50` or `12`.
    pub fn parse_decimal(text: &str, currency: Currency) -> Result<Self, PriceError> {
        let digits = currency.minor_digits() as usize;
        let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || fraction.len() > digits {
            return Err(PriceError::NotANumber);
        }
        let amount = format!("{whole}{fraction:0<digits$}").parse().map_err(|_| PriceError::OutOfRange)?;
        Self::new(amount, currency)
    }

    /// The amount with its currency.
    pub const fn money(self) -> Money {
        self.0
    }
}

impl TryFrom<Money> for Price {
    type Error = PriceError;

    fn try_from(money: Money) -> Result<Self, PriceError> {
        Self::new(money.amount, money.currency)
    }
}

impl From<Price> for Money {
    fn from(price: Price) -> Self {
        price.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shows_and_reads_each_currencys_digits() {
        for (code, text, amount) in [("EUR", "12.50", 1250), ("JPY", "1250", 1250), ("KWD", "1.250", 1250)] {
            let currency: Currency = code.parse().expect("a code");
            assert_eq!(Money::new(amount, currency).to_string(), text);
            assert_eq!(Price::parse_decimal(text, currency).map(|p| p.money().amount()), Ok(amount));
        }
        assert_eq!(Money::new(-5, Currency::EUR).to_string(), "-0.05");
    }

    #[test]
    fn refuses_what_is_no_price() {
        for text in ["", ".", "-1", "1.234", "1,50", "1e3", "€1", "+1"] {
            assert_eq!(Price::parse_decimal(text, Currency::EUR), Err(PriceError::NotANumber), "{text}");
        }
        for text in ["1000000.01", "99999999999999999999"] {
            assert_eq!(Price::parse_decimal(text, Currency::EUR), Err(PriceError::OutOfRange), "{text}");
        }
    }

    proptest! {
        #[test]
        fn arithmetic_is_exact_or_refused(a: i64, b: i64, n in 1_u32..=100) {
            let money = |amount| Money::new(amount, Currency::EUR);
            let quantity = Quantity::new(i64::from(n)).expect("in range");
            let sum = i128::from(a) + i128::from(b);
            let product = i128::from(a) * i128::from(n);
            prop_assert_eq!(money(a).checked_add(money(b)).map(|m| i128::from(m.amount())),
                i64::try_from(sum).map(i128::from).map_err(|_| MoneyError::Overflow));
            prop_assert_eq!(money(a).checked_times(quantity).map(|m| i128::from(m.amount())),
                i64::try_from(product).map(i128::from).map_err(|_| MoneyError::Overflow));
        }

        #[test]
        fn a_price_written_is_the_price_read(amount in 0..=Price::MAX) {
            let price = Price::new(amount, Currency::EUR).expect("in range");
            prop_assert_eq!(Price::parse_decimal(&price.money().to_string(), Currency::EUR), Ok(price));
        }
    }
}
