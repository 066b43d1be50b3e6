/// Work that is already recorded and waits for a background worker. The worker looks for it from time to time anyway:
/// waking it only saves that wait. Called from hot paths: it MUST return at once.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait WorkQueue: Send + Sync {
    /// There may be something to do, committed by a transaction that has ended.
    fn wake(&self);
}

/// For whoever leaves the work to others.
impl WorkQueue for () {
    fn wake(&self) {}
}
