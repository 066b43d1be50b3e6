/// Told when a write that was committed has changed what customers see of the menu, a menu item that sold out for instance. Called often
/// and from hot paths: it MUST return at once.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait MenuObserver: Send + Sync {
    /// Something has changed, by a transaction that has ended.
    fn menu_changed(&self);
}

/// Nobody wants to know.
impl MenuObserver for () {
    fn menu_changed(&self) {}
}
