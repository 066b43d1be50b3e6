//! `/v1/users`, `/v1/sessions`, `/v1/web/sessions`, `/v1/me`

mod change_password;
mod log_in;
mod log_in_browser;
mod log_out;
mod me;
mod refresh_session;
mod register;

use comanda_application::accounts::CheckPasswordError;

pub use change_password::{__path_change_password, change_password};
pub use log_in::{__path_log_in, log_in};
pub use log_in_browser::{__path_log_in_browser, log_in_browser};
pub use log_out::{__path_log_out, __path_log_out_browser, log_out, log_out_browser};
pub use me::{__path_me, __path_update_me, me, update_me};
pub use refresh_session::{__path_refresh_session, refresh_session};
pub use register::{__path_register, register};

use super::{
    problem::{Code, Problem},
    retry_hints::whole_seconds,
};

/// Counts how a check of a password ended, and makes a problem of one that failed.
fn checked<T>(outcome: Result<T, CheckPasswordError>) -> Result<T, Problem> {
    let name = match &outcome {
        Ok(_) => "match",
        Err(CheckPasswordError::InvalidCredentials) => "mismatch",
        Err(CheckPasswordError::Locked(_)) => "locked",
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
        CheckPasswordError::Locked(lock) => {
            let wait = whole_seconds(lock.unlock_at - chrono::Utc::now());
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
