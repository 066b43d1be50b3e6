use std::{sync::Arc, time::Duration};

use super::worker::{Period, Worker};
use crate::flags::OpenFeatureFlags;

/// Reads the settings of feature flags again, so that a change is in force on every server within 5 s.
pub fn reload_flags(flags: Arc<OpenFeatureFlags>) -> Worker {
    const PERIOD: Period = Period::of(Duration::from_secs(1));
    Worker::every(PERIOD, "reload_flags", move || {
        let flags = Arc::clone(&flags);
        async move { flags.reload().await }
    })
}
