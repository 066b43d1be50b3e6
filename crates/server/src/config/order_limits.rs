//! How much one customer may order without paying.

use comanda_domain::{OrderLimits, RateLimit};

use super::setting::settings;

settings! {
    /// Limits of one customer. Staff, who order for customers, have none.
    pub struct OrderLimitSettings {
        ORDER_LIMIT_OPEN => open: u32 in 0..=1_000_000_000 = 10,
            "How many unpaid orders one customer may have open at a time: neither completed nor cancelled. 0: any \
             number.";
        ORDER_LIMIT_PORTIONS => portions: u32 in 0..=1_000_000_000 = 200,
            "The total quantity that one customer's open unpaid orders may hold. 0: any quantity.";
        ORDER_LIMIT_PER_MINUTE => per_minute: u32 in 0..=1_000_000_000 = 120,
            "How many orders one account may attempt per minute, and at once after a pause. 0: any number.";
    }
}

impl OrderLimitSettings {
    pub fn limits(&self) -> OrderLimits {
        let limit = |number: u32| (number > 0).then_some(number);
        OrderLimits { orders: limit(self.open), quantity: limit(self.portions) }
    }

    /// `None`: attempts are not limited.
    pub fn attempts(&self) -> Option<RateLimit> {
        (self.per_minute > 0).then(|| RateLimit::per_minute(self.per_minute, self.per_minute))
    }
}
