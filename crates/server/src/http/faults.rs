//! Collecting every fault of a request before answering.

use std::fmt::Display;

use comanda_domain::{
    basket::BasketSizeOutOfRange,
    email::EmailError,
    money::PriceError,
    page::PageLimitOutOfRange,
    password::PasswordError,
    quantity::QuantityOutOfRange,
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

    pub fn add(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        self.0.push(FieldFault { pointer: pointer.into(), code, detail: detail.into() });
    }

    /// The value made of all checked parts: `None` exactly when a check has failed.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Problem> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => {
                let detail = match self.0.len() {
                    1 => "A value is out of its range.".to_owned(),
                    faults => format!("{faults} values are out of their ranges."),
                };
                Err(Problem::new(Code::ValidationFailed, detail).errors(self.0))
            }
        }
    }
}
