//! What clients learn about when to try again.

use comanda_domain::Allowance;

/// At least one, so that a client that waits does wait.
pub fn whole_seconds(wait: chrono::TimeDelta) -> u32 {
    u32::try_from((wait.num_milliseconds() + 999) / 1000).unwrap_or(1).max(1)
}

/// How many attempts there are, how many of them are left, and after how many seconds all of them are back
/// (<https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-07>).
pub const RATE_LIMIT_HEADERS: [&str; 3] = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"];

pub fn rate_limit_headers(allowance: Allowance) -> [(&'static str, u32); 3] {
    let [limit, remaining, reset] = RATE_LIMIT_HEADERS;
    [(limit, allowance.limit), (remaining, allowance.remaining), (reset, whole_seconds(allowance.reset))]
}
