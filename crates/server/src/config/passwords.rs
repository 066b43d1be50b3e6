//! Hashing passwords.

use std::num::NonZeroUsize;

use super::setting::settings;

settings! {
    /// How many passwords are hashed at a time.
    pub struct PasswordConfig {
        PASSWORD_THREADS => threads: NonZeroUsize in 1..=1_024 = 2,
            "How many passwords are hashed at the same time. Each takes 19 MiB and about 20 ms of a core.";
        PASSWORD_QUEUE => queue: usize in 1..=100_000 = 200,
            "How many passwords may wait for a thread. One more is refused with 503 at once.";
    }
}
