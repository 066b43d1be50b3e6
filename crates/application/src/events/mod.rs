//! Telling others what happened.

mod deliver_events;
mod list_dead_letters;
mod resend_dead_letter;

pub use deliver_events::{DeliverEvents, Delivered, RetryTerms};
pub use list_dead_letters::ListDeadLetters;
pub use resend_dead_letter::ResendDeadLetter;
