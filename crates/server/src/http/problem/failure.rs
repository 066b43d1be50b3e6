use std::{fmt, marker::PhantomData};

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use comanda_domain::ports::Unavailable;

use super::{Code, Problem};
use crate::http::openapi::{Describe, Description};

/// An error that handlers fail with, and every problem it can become.
pub trait Problems: Into<Problem> {
    const CODES: &'static [Code];
}

/// How a handler fails: with `E`, or with a problem that its extractors have as well.
pub struct Failure<E> {
    problem: Problem,
    error: PhantomData<fn() -> E>,
}

impl<E: Problems> From<E> for Failure<E> {
    fn from(error: E) -> Self {
        error.into().into()
    }
}

impl<E> From<Problem> for Failure<E> {
    fn from(problem: Problem) -> Self {
        Self { problem, error: PhantomData }
    }
}

impl<E: Problems> Describe for Failure<E> {
    fn describe(description: &mut Description) {
        description.problems(E::CODES);
        // Whatever reads a record may find that it cannot be read.
        if E::CODES.contains(&Code::Unavailable) {
            description.problems(&[Code::UnreadableRecord]);
        }
    }
}

impl<E> fmt::Debug for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl<E> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.problem, f)
    }
}

impl<E> ResponseError for Failure<E> {
    fn status_code(&self) -> StatusCode {
        self.problem.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        self.problem.error_response()
    }
}

impl From<Unavailable> for Problem {
    fn from(cause: Unavailable) -> Self {
        Self::unavailable(cause)
    }
}

impl Problems for Unavailable {
    const CODES: &'static [Code] = &[Code::Unavailable];
}

/// States every problem that an error becomes, which is what the OpenAPI document says. A test drives a value of
/// every variant through `From<E> for Problem` and compares; `and` gives one more value of a variant.
macro_rules! problems {
    (
        $error:ident: [$($code:ident),+];
        $($variant:ident $(($($value:expr),+))? $(and ($($other:expr),+))? $({ $($field:ident: $inner:expr),+ })?,)+
    ) => {
        impl $crate::http::problem::Problems for $error {
            const CODES: &'static [$crate::http::problem::Code] = &[$($crate::http::problem::Code::$code),+];
        }

        #[cfg(test)]
        #[test]
        fn every_error_becomes_a_problem_that_is_stated() {
            use comanda_domain::ports::Unavailable;

            let errors = [$(
                $error::$variant $(($($value),+))? $({ $($field: $inner),+ })?,
                $($error::$variant($($other),+),)?
            )+];
            let documents =
                $crate::http::problem::documents(errors, |error| match error { $($error::$variant { .. } => {})+ });
            insta::assert_snapshot!(stringify!($error), documents);
        }
    };
}

pub(crate) use problems;

/// The document of each error. `known` matches every variant, so that a new one does not compile until a value of it
/// is tested as well.
#[cfg(test)]
pub fn documents<E: Problems>(errors: impl IntoIterator<Item = E>, known: fn(&E)) -> String {
    use std::{collections::BTreeSet, fmt::Write};

    use actix_web::http::header::{HeaderName, HeaderValue};

    use crate::http::middleware::{REQUEST_ID_HEADER, RequestId};

    let headers = [(HeaderName::from_static(REQUEST_ID_HEADER), HeaderValue::from_static("a-request"))];
    let request = RequestId::of(&headers.into_iter().collect());
    let (mut found, mut documents) = (BTreeSet::new(), String::new());
    for error in errors {
        known(&error);
        let problem: Problem = error.into();
        let document: serde_json::Value = serde_json::from_str(&problem.body(&request)).unwrap();
        writeln!(documents, "{document:#}").unwrap();
        for (member, _) in crate::http::openapi::members(problem.code) {
            assert!(!document[member].is_null(), "{document:#} lacks {member}, which the API's document promises");
        }
        found.insert(problem.code);
    }
    assert_eq!(found, E::CODES.iter().copied().collect::<BTreeSet<_>>());
    documents
}
