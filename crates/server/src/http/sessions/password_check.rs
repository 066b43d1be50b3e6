use comanda_application::accounts::CheckPasswordError;

use crate::http::problem::{Code, Problem, whole_seconds};

/// Counts how a check of a password ended, and makes a problem of one that failed.
pub fn checked<T>(outcome: Result<T, CheckPasswordError>) -> Result<T, Problem> {
    let name = match &outcome {
        Ok(_) => "match",
        Err(CheckPasswordError::InvalidCredentials) => "mismatch",
        Err(CheckPasswordError::Locked { .. }) => "locked",
        Err(CheckPasswordError::TooManyAtOnce) => "too_many_at_once",
        Err(CheckPasswordError::Busy) => "busy",
        Err(CheckPasswordError::Unavailable(_)) => "unavailable",
    };
    metrics::counter!("comanda_password_checks_total", "outcome" => name).increment(1);
    outcome.map_err(check_problem)
}

fn check_problem(error: CheckPasswordError) -> Problem {
    match error {
        CheckPasswordError::InvalidCredentials => {
            Problem::new(Code::InvalidCredentials, "The e-mail address or the password is wrong.")
        }
        CheckPasswordError::Locked { wait, .. } => {
            let wait = whole_seconds(wait);
            Problem::new(Code::AccountLocked, format!("Too many wrong passwords; try again in {wait} s."))
                .retry_after(wait)
        }
        CheckPasswordError::TooManyAtOnce => {
            Problem::new(Code::RateLimited, "Too many sign-ins for this address are under way.").retry_after(1)
        }
        CheckPasswordError::Busy => Problem::overloaded("password.hash"),
        CheckPasswordError::Unavailable(cause) => Problem::unavailable("auth.lookup", &cause),
    }
}
