//! Sending the mails to accounts that were recorded, and what is left to do after a token was used.

mod lift_locks;
mod send;

use std::sync::Arc;

use comanda_domain::ports::{self, Clock, Lockouts, MailSender, MailTokens};

pub use send::{Attempted, Sent};

use crate::events::RetryTerms;

/// The mails to accounts. One file per verb.
#[derive(Clone)]
pub struct Mails {
    pub mails: Arc<dyn ports::Mails>,
    /// `None`: nobody is written to.
    pub sender: Option<Arc<dyn MailSender>>,
    pub tokens: Arc<dyn MailTokens>,
    pub lockouts: Arc<dyn Lockouts>,
    pub clock: Arc<dyn Clock>,
    pub retries: RetryTerms,
}
