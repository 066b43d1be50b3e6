//! What the domain needs of the outside world, as traits.
//!
//! Every port is object-safe, `Send + Sync`, and held as `Arc<dyn …>`, so that decorators stack and mocks drop in. A
//! method is one business step, whole: it happens or it does not. Each method's errors are its own enum, with the
//! business outcomes by name and one [`Unavailable`] for everything that is merely broken. Absence is an `Option`, not
//! an error.
//!
//! To add a port: a file here with the trait, its errors and its `#[cfg_attr(feature = "mocks", mockall::automock)]`,
//! then the adapter's file of the same name.

mod access_tokens;
mod accounts;
mod audit_log;
mod causes;
mod checkout;
mod clock;
mod component_health;
mod feature_flags;
mod gateway_events;
mod gateway_inbox;
mod id_generator;
mod live_menu;
mod live_updates;
mod lockouts;
mod mail_allowance;
mod mail_sender;
mod mail_tokens;
mod mails;
mod menu;
mod menu_cache;
mod menu_observer;
mod menu_source;
mod notifier;
mod option_groups;
mod orders;
mod outbox;
mod overdue_orders;
mod password_hasher;
mod payment_gateway;
mod payment_intents;
mod payments;
mod public_menu;
mod rate_limits;
mod refunds;
mod retention;
mod sales_figures;
mod security_log;
mod sessions;
mod stations;
mod supplies;
mod supply_list;
mod tickets;
mod unreadable;
mod work_queue;

use std::{error::Error, fmt, sync::Arc, time::Duration};

pub use access_tokens::*;
pub use accounts::*;
pub use audit_log::*;
pub use causes::*;
pub use checkout::*;
pub use clock::*;
pub use component_health::*;
pub use feature_flags::*;
pub use gateway_events::*;
pub use gateway_inbox::*;
pub use id_generator::*;
pub use live_menu::*;
pub use live_updates::*;
pub use lockouts::*;
pub use mail_allowance::*;
pub use mail_sender::*;
pub use mail_tokens::*;
pub use mails::*;
pub use menu::*;
pub use menu_cache::*;
pub use menu_observer::*;
pub use menu_source::*;
pub use notifier::*;
pub use option_groups::*;
pub use orders::*;
pub use outbox::*;
pub use overdue_orders::*;
pub use password_hasher::*;
pub use payment_gateway::*;
pub use payment_intents::*;
pub use payments::*;
pub use public_menu::*;
pub use rate_limits::*;
pub use refunds::*;
pub use retention::*;
pub use sales_figures::*;
pub use security_log::*;
pub use sessions::*;
pub use stations::*;
pub use supplies::*;
pub use supply_list::*;
pub use tickets::*;
pub use unreadable::*;
pub use work_queue::*;

/// The step could not be carried out for a reason that has nothing to do with what was asked: a connection was cut, a
/// pool is exhausted, a deadline passed. Trying again later may help. Whether the step happened is unknown.
///
/// Or a single record stands in the way, which does not become readable by waiting: see [`Unavailable::unreadable`].
#[derive(Clone, Debug)]
pub struct Unavailable {
    source: Arc<dyn Error + Send + Sync>,
    overload: bool,
    attempted: bool,
    wait: Option<Duration>,
}

impl Unavailable {
    /// Wraps what went wrong. Accepts any error, or a text.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Arc::from(source.into()), overload: false, attempted: true, wait: None }
    }

    /// Nothing is broken: more was asked for than can be done, and this was refused at once.
    pub fn overloaded(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { overload: true, attempted: false, ..Self::new(source) }
    }

    /// Trying again is of no use before that.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self { wait: Some(wait), ..self }
    }

    /// Nothing was attempted: it was refused here, without asking what it is for.
    #[must_use]
    pub fn unattempted(self) -> Self {
        Self { attempted: false, ..self }
    }

    /// Whether an attempt was made. Whoever counts attempts must not count one that was refused here, because of too
    /// much work or of failures before.
    pub const fn was_attempted(&self) -> bool {
        self.attempted
    }

    /// Whether it was refused although nothing is broken.
    pub const fn is_overload(&self) -> bool {
        self.overload
    }

    /// The record that could not be read, if that is all that is wrong. It is no sign that anything is broken, and must
    /// not count as one.
    pub fn unreadable(&self) -> Option<&UnreadableRecord> {
        let mut cause: &(dyn Error + 'static) = self.source.as_ref();
        loop {
            if let Some(record) = cause.downcast_ref() {
                return Some(record);
            }
            cause = cause.source()?;
        }
    }

    /// For how long trying again is of no use, where that is known.
    pub const fn wait(&self) -> Option<Duration> {
        self.wait
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unavailable: {}", Causes(self.source.as_ref()))
    }
}

impl Error for Unavailable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

impl From<UnreadableRecord> for Unavailable {
    fn from(record: UnreadableRecord) -> Self {
        Self::new(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_something_is_unavailable_is_shown_to_the_root_and_once() {
        let read = std::io::Error::other(std::io::Error::other("reset by peer"));
        let unavailable = Unavailable::new(Unavailable::new(read));
        assert_eq!(unavailable.to_string(), "unavailable: unavailable: reset by peer");
        assert_eq!(Causes(&unavailable).to_string(), unavailable.to_string());
    }

    #[test]
    fn a_record_that_cannot_be_read_is_known_however_deep_it_is_wrapped() {
        let record =
            UnreadableRecord { table: "users", id: "7".to_owned(), column: "role", why: "is no role".to_owned() };
        let shared = std::sync::Arc::new(Unavailable::from(record.clone()));
        let cancelling = CancelOrderError::from(Unavailable::new(shared));
        assert_eq!(Unavailable::new(cancelling).unreadable(), Some(&record));
        assert_eq!(Unavailable::new("cut").unreadable(), None);
    }
}
