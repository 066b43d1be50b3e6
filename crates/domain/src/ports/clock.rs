use crate::Timestamp;

/// Tells the time.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait Clock: Send + Sync {
    /// Now, in whole milliseconds, so that what is stored is what is shown.
    fn now(&self) -> Timestamp;
}
