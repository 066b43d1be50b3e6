//! Collects every violation in a request, so that the response lists them all.

mod code;

use std::{fmt::Display, str::FromStr};

use comanda_domain::{
    BasketSizeOutOfRange, EmailError, MailTokenRefusal, MalformedMailToken, NotCounted, OptionAmountOutOfRange,
    PageLimitOutOfRange, PasswordError, PercentageOutOfRange, PeriodError, PriceError, QuantityOutOfRange,
    RecipeAmountOutOfRange, StationPlaceOutOfRange, StockDeltaOutOfRange, StockOutOfRange, TextError,
    TooManyCategories, TooManyIntervals,
};

use serde::Serialize;
use utoipa::ToSchema;

pub use self::code::ViolationCode;
use super::problem::{Code, Problem};

/// A value that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Violation {
    /// Where it is in the request's body (RFC 6901), or `/` and the name of a query parameter.
    #[schema(example = "/items/0/quantity")]
    pub pointer: String,
    pub code: ViolationCode,
    /// What is wrong, in words.
    pub detail: String,
}

/// An error that says by which name programs know it.
pub trait BrokenRule: Display {
    fn code(&self) -> ViolationCode;
}

macro_rules! broken_rules {
    ($($error:ty => $code:ident),+ $(,)?) => {
        $(impl BrokenRule for $error {
            fn code(&self) -> ViolationCode {
                ViolationCode::$code
            }
        })+
    };
}

broken_rules! {
    QuantityOutOfRange => OutOfRange,
    BasketSizeOutOfRange => OutOfRange,
    StockOutOfRange => OutOfRange,
    RecipeAmountOutOfRange => OutOfRange,
    OptionAmountOutOfRange => OutOfRange,
    StockDeltaOutOfRange => OutOfRange,
    PageLimitOutOfRange => OutOfRange,
    PercentageOutOfRange => OutOfRange,
    TooManyIntervals => OutOfRange,
    StationPlaceOutOfRange => OutOfRange,
    TooManyCategories => OutOfRange,
    NotCounted => NotCounted,
    MalformedMailToken => MalformedToken,
}

impl BrokenRule for TextError {
    fn code(&self) -> ViolationCode {
        match self {
            Self::TooShort { .. } => ViolationCode::TooShort,
            Self::TooLong { .. } => ViolationCode::TooLong,
            Self::ControlCharacter => ViolationCode::ControlCharacter,
            Self::InvisibleCharacter => ViolationCode::InvisibleCharacter,
        }
    }
}

impl BrokenRule for EmailError {
    fn code(&self) -> ViolationCode {
        match self {
            Self::Malformed => ViolationCode::NotAnEmailAddress,
            Self::TooLong => ViolationCode::TooLong,
        }
    }
}

impl BrokenRule for MailTokenRefusal {
    fn code(&self) -> ViolationCode {
        match self {
            Self::Unknown => ViolationCode::UnknownToken,
            Self::Expired => ViolationCode::ExpiredToken,
            Self::Foreign => ViolationCode::ForeignToken,
            Self::Outdated => ViolationCode::OutdatedToken,
            Self::Spent => ViolationCode::SpentToken,
        }
    }
}

impl BrokenRule for PasswordError {
    fn code(&self) -> ViolationCode {
        match self {
            Self::TooShort => ViolationCode::TooShort,
            Self::TooLong => ViolationCode::TooLong,
            Self::TooCommon => ViolationCode::TooCommon,
            Self::TooPersonal => ViolationCode::TooPersonal,
            Self::Unusable => ViolationCode::UnusableCharacter,
        }
    }
}

impl BrokenRule for PeriodError {
    fn code(&self) -> ViolationCode {
        match self {
            Self::EndsTooEarly => ViolationCode::TooEarly,
            Self::TooLong => ViolationCode::TooLate,
            Self::OutOfRange => ViolationCode::OutOfRange,
        }
    }
}

impl BrokenRule for PriceError {
    fn code(&self) -> ViolationCode {
        match self {
            Self::OutOfRange => ViolationCode::OutOfRange,
            Self::NotANumber => ViolationCode::NotANumber,
        }
    }
}

/// That something else has the name: a menu item of its category, or a supply.
pub fn name_taken(pointer: &str, error: &impl ToString) -> Problem {
    let violation = Violation { pointer: pointer.to_owned(), code: ViolationCode::Taken, detail: error.to_string() };
    Problem::new(Code::ValidationFailed, "The name is taken.").errors(vec![violation])
}

/// That what a request says leads out of a range which nobody could see in the request.
pub fn out_of_range(pointer: &str, error: &impl ToString) -> Problem {
    let violation =
        Violation { pointer: pointer.to_owned(), code: ViolationCode::OutOfRange, detail: error.to_string() };
    Problem::new(Code::ValidationFailed, "A value is out of its range.").errors(vec![violation])
}

/// The violations found so far.
#[derive(Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// The value, or `None` and a violation at `pointer`.
    pub fn check<T, E: BrokenRule>(&mut self, pointer: impl Into<String>, value: Result<T, E>) -> Option<T> {
        value.inspect_err(|violation| self.add(pointer, violation.code(), violation.to_string())).ok()
    }

    /// Like [`Violations::check`], for an optional value.
    pub fn check_optional<T, E: BrokenRule>(
        &mut self,
        pointer: impl Into<String>,
        value: Option<Result<T, E>>,
    ) -> Option<T> {
        value.and_then(|value| self.check(pointer, value))
    }

    /// What a name stands for, or `None` and a violation at `pointer`.
    pub fn read<T: FromStr<Err: Display>>(
        &mut self,
        pointer: impl Into<String>,
        name: &str,
        code: ViolationCode,
    ) -> Option<T> {
        name.parse().inspect_err(|error| self.add(pointer, code, format!("{error}"))).ok()
    }

    pub fn add(&mut self, pointer: impl Into<String>, code: ViolationCode, detail: impl Into<String>) {
        self.0.push(Violation { pointer: pointer.into(), code, detail: detail.into() });
    }

    /// The problem of a single violation.
    pub fn only(pointer: &str, violation: &impl BrokenRule) -> Problem {
        let mut violations = Self::default();
        violations.add(pointer, violation.code(), violation.to_string());
        violations.into_problem()
    }

    /// The value, which is `None` exactly when a check has failed, or the problem.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Problem> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.into_problem()),
        }
    }

    fn into_problem(self) -> Problem {
        let detail = match self.0.len() {
            1 => "A value is out of its range.".to_owned(),
            violations => format!("{violations} values are out of their ranges."),
        };
        Problem::new(Code::ValidationFailed, detail).errors(self.0)
    }
}
