use uuid::Uuid;

/// Makes identifiers.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait IdGenerator: Send + Sync {
    /// A new UUID, version 7 (RFC 9562), never given out before.
    fn generate(&self) -> Uuid;
}
