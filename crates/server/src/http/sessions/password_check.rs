use crate::http::problem::{Code, Operation, Problem, problems, whole_seconds};
use comanda_application::accounts::CheckPasswordError;

/// Counts how a check of a password ended.
pub fn counted<T>(outcome: Result<T, CheckPasswordError>) -> Result<T, CheckPasswordError> {
    let name = match &outcome {
        Ok(_) => "match",
        Err(error) => error.name(),
    };
    metrics::counter!("comanda_password_checks_total", "outcome" => name).increment(1);
    outcome
}

impl From<CheckPasswordError> for Problem {
    fn from(error: CheckPasswordError) -> Self {
        match error {
            CheckPasswordError::InvalidCredentials => {
                Self::new(Code::InvalidCredentials, "The e-mail address or the password is wrong.")
            }
            CheckPasswordError::Locked { wait, .. } => {
                let wait = whole_seconds(wait);
                Self::new(Code::AccountLocked, format!("Too many wrong passwords; try again in {wait} s."))
                    .retry_after(wait)
            }
            CheckPasswordError::TooManyAtOnce => {
                Self::new(Code::RateLimited, "Too many sign-ins for this address are under way.").retry_after(1)
            }
            CheckPasswordError::Busy => Self::overloaded(Operation::PasswordHash),
            CheckPasswordError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    CheckPasswordError: [InvalidCredentials, AccountLocked, RateLimited, Unavailable];
    InvalidCredentials,
    Locked { lock: lock(), wait: chrono::TimeDelta::seconds(60) },
    TooManyAtOnce,
    Busy,
    Unavailable(Unavailable::new("test")),
}

#[cfg(test)]
pub fn lock() -> comanda_domain::Lock {
    let now = chrono::DateTime::UNIX_EPOCH;
    comanda_domain::Lock { attempts: 5, level: 1, first_failed_at: now, locked_at: now, unlock_at: now }
}
