//! Telling others what happened.

mod deliver_notices;
mod list_dead_letters;
mod resend_dead_letter;

pub use deliver_notices::{DeliverNotices, RetryTerms, Told};
pub use list_dead_letters::ListDeadLetters;
pub use resend_dead_letter::ResendDeadLetter;
