//! For how long rows are kept.

use std::time::Duration;

use comanda_domain::RetentionTerms;

use super::setting::settings;

settings! {
    /// What is deleted by itself. `docs/retention.md` has the rule of every table.
    pub struct RetentionSettings {
        EVENTS_KEPT_DAYS => events: Duration in 1..=3_650 days = 30,
            "How long events are kept that every receiver has and that the sales figures include. A receiver that no \
             server is set up with for that long is forgotten.";
        GATEWAY_EVENTS_KEPT_DAYS => gateway_events: Duration in 1..=3_650 days = 90,
            "How long events of the payment gateway are kept after they were handled: longer than it repeats them, \
             and long enough to look into a dispute.";
        UNKNOWN_GATEWAY_EVENTS_KEPT_DAYS => unknown_gateway_events: Duration in 1..=3_650 days = 90,
            "How long events of the payment gateway are kept that no server knows the kind of: longer than it takes to \
             install a release that does. Their number is in `comanda status` until then.";
    }
}

impl RetentionSettings {
    pub fn terms(&self, refresh_grace: Duration) -> RetentionTerms {
        let Self { events, gateway_events, unknown_gateway_events } = *self;
        RetentionTerms { events, gateway_events, unknown_gateway_events, refresh_grace }
    }
}
