/// Is notified after a committed write that changes what customers see of the menu, for example when a menu item has
/// sold out.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait MenuObserver: Send + Sync {
    /// Called often and from hot paths: it MUST return at once.
    fn menu_changed(&self);
}

/// Ignores every change.
impl MenuObserver for () {
    fn menu_changed(&self) {}
}
