//! What happens after wrong passwords.

use std::time::Duration;

use chrono::TimeDelta;
use comanda_domain::LockoutPolicy;

use super::{setting::settings, value::FourSteps};

settings! {
    /// When an account is locked, and for how long.
    pub struct LockoutSettings {
        LOCKOUT_FREE_FAILURES => free_failures: u32 in 0..=1_000 = 5,
            "How many wrong passwords lock an account for the first time. 0 means the same as 1.";
        LOCKOUT_WINDOW_SECONDS => window: Duration in 1..=31_536_000 s = 86_400,
            "Wrong passwords count together if they lie within this time.";
        LOCKOUT_STEPS_SECONDS => steps: FourSteps = "60,300,900,3600",
            "How long the first lock lasts, the second, the third, and every further one.";
        LOCKOUT_QUIET_SECONDS => quiet: Duration in 1..=31_536_000 s = 86_400,
            "After this time without a wrong password all earlier ones are forgotten.";
        LOCKOUT_PATIENCE_MS => patience: Duration in 0..=60_000 ms = 6_000,
            "How long a sign-in waits while others of the same account are being checked.";
    }
}

impl LockoutSettings {
    pub fn policy(&self) -> LockoutPolicy {
        LockoutPolicy {
            free_failures: self.free_failures,
            window: seconds(self.window),
            steps: self.steps.0.map(seconds),
            quiet: seconds(self.quiet),
            ..LockoutPolicy::default()
        }
    }
}

/// The settings' ranges are far below a `TimeDelta`'s.
fn seconds(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
