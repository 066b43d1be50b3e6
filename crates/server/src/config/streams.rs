//! Event streams.

use super::setting::settings;
use crate::http::StreamLimits;

settings! {
    /// How many event streams there may be.
    pub struct StreamSettings {
        STREAMS_PER_ACCOUNT => per_account: usize in 1..=1_000_000 = 10,
            "How many event streams one account may have open at a server. One more gets a 429. It may open three times \
             as many at once, and twenty times as many per minute.";
        STREAMS => per_process: usize in 1..=1_000_000 = 1_000,
            "How many event streams a server has open at the same time, a fifth of them for staff alone. Each takes one of \
             CONCURRENT_CONNECTIONS.";
    }
}

impl StreamSettings {
    pub fn limits(&self) -> StreamLimits {
        StreamLimits { per_account: self.per_account, per_process: self.per_process }
    }
}
