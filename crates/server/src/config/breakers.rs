//! Circuit breakers.

use comanda_resilience::BreakerSettings;

use super::setting::settings;

settings! {
    /// One breaker per operation.
    pub struct BreakerConfig {
        BREAKER_ORDER_CREATE => order_create: BreakerSettings = "",
            "When the circuit breaker of placing orders opens and how it closes, where it differs from \
             window_ms=10000 window_calls=100 minimum_calls=20 failure_percent=50 slow_percent=80 \
             slow_call_ms=2000 first_wait_ms=1000 longest_wait_ms=3000 probes=3 probe_limit_ms=6000.";
        BREAKER_ORDER_UPDATE => order_update: BreakerSettings = "",
            "The same for cancelling and advancing orders.";
        BREAKER_ORDER_LOOKUP => order_lookup: BreakerSettings = "",
            "The same for reading orders.";
        BREAKER_PAYMENT_CREATE => payment_create: BreakerSettings = "",
            "The same for beginning payments.";
        BREAKER_STRIPE => stripe: BreakerSettings = "",
            "The same for the payment gateway.";
        BREAKER_NOTIFICATIONS => notifications: BreakerSettings = "longest_wait_ms=30000",
            "The same for mail and webhooks, which no request waits for.";
        BREAKER_USER_CREATE => user_create: BreakerSettings = "",
            "The same for registering accounts.";
        BREAKER_AUTH_LOOKUP => auth_lookup: BreakerSettings = "",
            "The same for looking up accounts at sign-in.";
    }
}
