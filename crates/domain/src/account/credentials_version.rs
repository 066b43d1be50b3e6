/// Counts the changes of what an account's sessions rest on: its password, its role, and whether it is disabled.
///
/// A sign-in reads it before the password is checked, and opens a session only if it is still the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialsVersion(i64);

impl CredentialsVersion {
    /// The version as it is stored.
    pub const fn new(version: i64) -> Self {
        Self(version)
    }

    /// The number to store.
    pub const fn get(self) -> i64 {
        self.0
    }
}
