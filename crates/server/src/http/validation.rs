//! Collects every violation in a request, so that the response lists them all.

use std::{fmt::Display, str::FromStr};

use comanda_domain::{
    BasketSizeOutOfRange, EmailError, MailTokenRefusal, MalformedMailToken, NotCounted, OptionAmountOutOfRange,
    PageLimitOutOfRange, PasswordError, PercentageOutOfRange, PeriodError, PriceError, QuantityOutOfRange,
    RecipeAmountOutOfRange, StationPlaceOutOfRange, StockDeltaOutOfRange, StockOutOfRange, TextError,
    TooManyCategories, TooManyIntervals,
};

use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{Code, Problem};

/// A value that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Violation {
    /// Where it is in the request's body (RFC 6901), or `/` and the name of a query parameter.
    #[schema(example = "/items/0/quantity")]
    pub pointer: String,
    /// What is wrong, by a name that never changes.
    #[schema(example = "out-of-range")]
    pub code: &'static str,
    /// What is wrong, in words.
    pub detail: String,
}

/// The name of a violation, for programs.
pub trait ViolationCode: Display {
    fn code(&self) -> &'static str;
}

macro_rules! violation_codes {
    ($($error:ty => $code:literal),+ $(,)?) => {
        $(impl ViolationCode for $error {
            fn code(&self) -> &'static str {
                $code
            }
        })+
    };
}

violation_codes! {
    QuantityOutOfRange => "out-of-range",
    BasketSizeOutOfRange => "out-of-range",
    StockOutOfRange => "out-of-range",
    RecipeAmountOutOfRange => "out-of-range",
    OptionAmountOutOfRange => "out-of-range",
    StockDeltaOutOfRange => "out-of-range",
    PageLimitOutOfRange => "out-of-range",
    PercentageOutOfRange => "out-of-range",
    TooManyIntervals => "out-of-range",
    StationPlaceOutOfRange => "out-of-range",
    TooManyCategories => "out-of-range",
    NotCounted => "not-counted",
}

impl ViolationCode for TextError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "too-short",
            Self::TooLong { .. } => "too-long",
            Self::ControlCharacter => "control-character",
            Self::InvisibleCharacter => "invisible-character",
        }
    }
}

impl ViolationCode for EmailError {
    fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "not-an-email-address",
            Self::TooLong => "too-long",
        }
    }
}

impl ViolationCode for MalformedMailToken {
    fn code(&self) -> &'static str {
        "malformed-token"
    }
}

impl ViolationCode for MailTokenRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown-token",
            Self::Expired => "expired-token",
            Self::Foreign => "foreign-token",
            Self::Outdated => "outdated-token",
            Self::Spent => "spent-token",
        }
    }
}

impl ViolationCode for PasswordError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooShort => "too-short",
            Self::TooLong => "too-long",
            Self::TooCommon => "too-common",
            Self::TooPersonal => "too-personal",
            Self::Unusable => "unusable-character",
        }
    }
}

impl ViolationCode for PeriodError {
    fn code(&self) -> &'static str {
        match self {
            Self::EndsTooEarly => "too-early",
            Self::TooLong => "too-late",
            Self::OutOfRange => "out-of-range",
        }
    }
}

impl ViolationCode for PriceError {
    fn code(&self) -> &'static str {
        match self {
            Self::OutOfRange => "out-of-range",
            Self::NotANumber => "not-a-number",
        }
    }
}

/// That something else has the name: a menu item of its category, or a supply.
pub fn name_taken(pointer: &str, error: &impl ToString) -> Problem {
    let violation = Violation { pointer: pointer.to_owned(), code: "taken", detail: error.to_string() };
    Problem::new(Code::ValidationFailed, "The name is taken.").errors(vec![violation])
}

/// That what a request says leads out of a range which nobody could see in the request.
pub fn out_of_range(pointer: &str, error: &impl ToString) -> Problem {
    let violation = Violation { pointer: pointer.to_owned(), code: "out-of-range", detail: error.to_string() };
    Problem::new(Code::ValidationFailed, "A value is out of its range.").errors(vec![violation])
}

/// The violations found so far.
#[derive(Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// The value, or `None` and a violation at `pointer`.
    pub fn check<T, E: ViolationCode>(&mut self, pointer: impl Into<String>, value: Result<T, E>) -> Option<T> {
        value.inspect_err(|violation| self.add(pointer, violation.code(), violation.to_string())).ok()
    }

    /// Like [`Violations::check`], for an optional value.
    pub fn check_optional<T, E: ViolationCode>(
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
        code: &'static str,
    ) -> Option<T> {
        name.parse().inspect_err(|error| self.add(pointer, code, format!("{error}"))).ok()
    }

    pub fn add(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        self.0.push(Violation { pointer: pointer.into(), code, detail: detail.into() });
    }

    /// The problem of a single violation.
    pub fn only(pointer: &str, violation: &impl ViolationCode) -> Problem {
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
