//! Collecting every fault of a request before answering.

use std::{fmt::Display, str::FromStr};

use comanda_domain::{
    basket::BasketSizeOutOfRange,
    email::EmailError,
    feature_flag::PercentageOutOfRange,
    money::PriceError,
    page::PageLimitOutOfRange,
    password::PasswordError,
    quantity::QuantityOutOfRange,
    sales::{PeriodError, TooManyIntervals},
    stock::{StockDeltaOutOfRange, StockOutOfRange},
    text::TextError,
};

use super::problem::{Code, FieldFault, Problem};

/// The name of a fault, for programs.
pub trait FaultCode: Display {
    fn code(&self) -> &'static str;
}

macro_rules! fault_codes {
    ($($error:ty => $code:literal),+ $(,)?) => {
        $(impl FaultCode for $error {
            fn code(&self) -> &'static str {
                $code
            }
        })+
    };
}

fault_codes! {
    QuantityOutOfRange => "out-of-range",
    BasketSizeOutOfRange => "out-of-range",
    StockOutOfRange => "out-of-range",
    StockDeltaOutOfRange => "out-of-range",
    PageLimitOutOfRange => "out-of-range",
    PercentageOutOfRange => "out-of-range",
    TooManyIntervals => "out-of-range",
}

impl FaultCode for TextError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "too-short",
            Self::TooLong { .. } => "too-long",
            Self::ControlCharacter => "control-character",
        }
    }
}

impl FaultCode for EmailError {
    fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "not-an-email-address",
            Self::TooLong => "too-long",
        }
    }
}

impl FaultCode for PasswordError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooShort => "too-short",
            Self::TooLong => "too-long",
            Self::TooCommon => "too-common",
        }
    }
}

impl FaultCode for PeriodError {
    fn code(&self) -> &'static str {
        match self {
            Self::EndsTooEarly => "too-early",
            Self::TooLong => "too-late",
        }
    }
}

impl FaultCode for PriceError {
    fn code(&self) -> &'static str {
        match self {
            Self::OutOfRange => "out-of-range",
            Self::NotANumber => "not-a-number",
        }
    }
}

/// The faults found so far.
#[derive(Default)]
pub struct Faults(Vec<FieldFault>);

impl Faults {
    /// The value, or `None` and a fault at `pointer`.
    pub fn check<T, E: FaultCode>(&mut self, pointer: impl Into<String>, value: Result<T, E>) -> Option<T> {
        value.inspect_err(|fault| self.add(pointer, fault.code(), fault.to_string())).ok()
    }

    /// Like [`Faults::check`], for a value that need not be there.
    pub fn check_optional<T, E: FaultCode>(
        &mut self,
        pointer: impl Into<String>,
        value: Option<Result<T, E>>,
    ) -> Option<T> {
        value.and_then(|value| self.check(pointer, value))
    }

    /// What a name stands for, or `None` and a fault at `pointer`.
    pub fn read<T: FromStr<Err: Display>>(
        &mut self,
        pointer: impl Into<String>,
        name: &str,
        code: &'static str,
    ) -> Option<T> {
        name.parse().inspect_err(|error| self.add(pointer, code, format!("{error}"))).ok()
    }

    pub fn add(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        self.0.push(FieldFault { pointer: pointer.into(), code, detail: detail.into() });
    }

    /// The problem of a value that is refused alone.
    pub fn only(pointer: &str, fault: &impl FaultCode) -> Problem {
        let mut faults = Self::default();
        faults.add(pointer, fault.code(), fault.to_string());
        faults.into_problem()
    }

    /// The value made of all checked parts: `None` exactly when a check has failed.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Problem> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.into_problem()),
        }
    }

    fn into_problem(self) -> Problem {
        let detail = match self.0.len() {
            1 => "A value is out of its range.".to_owned(),
            faults => format!("{faults} values are out of their ranges."),
        };
        Problem::new(Code::ValidationFailed, detail).errors(self.0)
    }
}
