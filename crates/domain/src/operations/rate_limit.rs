//! How often one client may do something, by the generic cell rate algorithm: a burst, and then one per period
//! (ITU-T I.371; <https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm>).

use std::{fmt, net::IpAddr};

use chrono::TimeDelta;

use crate::{AccountId, Timestamp};

/// What is limited. Each action has an allowance of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitedAction {
    /// Signing in.
    SignIn,
    /// Opening an account.
    Register,
    /// Continuing a session.
    Refresh,
    /// Asking for a mail.
    RequestMail,
    /// Presenting a token from a mail.
    PresentMailToken,
    /// Changing a password.
    ChangePassword,
    /// Placing an order.
    PlaceOrder,
    /// Asking what an order would cost.
    QuoteOrder,
}

impl LimitedAction {
    /// The name in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "log_in",
            Self::Register => "register",
            Self::Refresh => "refresh",
            Self::RequestMail => "request_mail",
            Self::PresentMailToken => "present_mail_token",
            Self::ChangePassword => "change_password",
            Self::PlaceOrder => "place_order",
            Self::QuoteOrder => "quote_order",
        }
    }
}

/// Whose actions are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitedParty {
    /// Whoever acts from there.
    Network(ClientNetwork),
    /// Whoever is signed in to it, wherever that is.
    Account(AccountId),
}

impl From<ClientNetwork> for LimitedParty {
    fn from(network: ClientNetwork) -> Self {
        Self::Network(network)
    }
}

impl From<AccountId> for LimitedParty {
    fn from(account: AccountId) -> Self {
        Self::Account(account)
    }
}

/// The name in storage.
impl fmt::Display for LimitedParty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.address().fmt(f),
            Self::Account(account) => account.fmt(f),
        }
    }
}

/// A client by its network: an IPv4 address, or the /64 network of an IPv6 address, since whoever has one of its
/// addresses has all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientNetwork(IpAddr);

impl ClientNetwork {
    /// The client's network.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => Self(IpAddr::V6((v6.to_bits() >> 64 << 64).into())),
            v4 @ IpAddr::V4(_) => Self(v4),
        }
    }

    /// Its first address.
    pub const fn address(self) -> IpAddr {
        self.0
    }
}

/// A burst, and then one per period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The size of the burst, at least one.
    pub burst: u32,
    /// The time after which there is one more; at least a microsecond.
    pub period: TimeDelta,
}

/// What is left for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The size of the burst.
    pub limit: u32,
    /// How many are left.
    pub remaining: u32,
    /// The time from now until the whole burst is available again.
    pub reset: TimeDelta,
    /// How long a refused client has to wait; `None` if it was admitted.
    pub retry_after: Option<TimeDelta>,
}

impl RateLimit {
    /// So many at once, and so many per minute: at least one of either.
    pub fn per_minute(burst: u32, per_minute: u32) -> Self {
        let period = TimeDelta::microseconds((60_000_000 / i64::from(per_minute.max(1))).max(1));
        Self { burst: burst.max(1), period }
    }

    /// The period in microseconds.
    pub fn period_micros(&self) -> i64 {
        self.period.num_microseconds().unwrap_or(i64::MAX).max(1)
    }

    /// Decides, from the moment at which everything will be paid off (`None`: it is) and says the next such moment.
    pub fn decide(&self, paid_off_at: Option<Timestamp>, now: Timestamp) -> (Allowance, Timestamp) {
        let before = paid_off_at.map_or(now, |at| at.max(now));
        let after = before + self.period;
        let burst = i32::try_from(self.burst.max(1)).unwrap_or(i32::MAX);
        let opens_at = after - self.period * burst;
        let allowance = |paid_off: Timestamp, retry_after| {
            let left = (self.period * burst - (paid_off - now)).num_microseconds().unwrap_or(0) / self.period_micros();
            Allowance {
                limit: self.burst.max(1),
                remaining: u32::try_from(left).unwrap_or(0),
                reset: paid_off - now,
                retry_after,
            }
        };
        if opens_at > now { (allowance(before, Some(opens_at - now)), before) } else { (allowance(after, None), after) }
    }

    /// The moment at which everything will be paid off once an admitted use is taken back.
    pub fn give_back(&self, paid_off_at: Timestamp) -> Timestamp {
        paid_off_at - self.period
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_one_per_period() {
        let limit = RateLimit { burst: 3, period: TimeDelta::seconds(2) };
        let at = |seconds: i64| Timestamp::from_timestamp(1_790_000_000 + seconds, 0).expect("in range");
        let mut paid_off = None;
        let mut decide = |seconds| {
            let (allowance, next) = limit.decide(paid_off, at(seconds));
            paid_off = Some(next);
            allowance
        };
        assert_eq!(
            [decide(0), decide(0), decide(0)].map(|a| (a.remaining, a.retry_after)),
            [(2, None), (1, None), (0, None)]
        );
        assert_eq!(decide(0).retry_after, Some(TimeDelta::seconds(2)));
        assert_eq!(decide(1).retry_after, Some(TimeDelta::seconds(1)), "a refusal costs nothing");
        assert_eq!(decide(2).retry_after, None);
        assert_eq!(decide(100), Allowance { limit: 3, remaining: 2, reset: TimeDelta::seconds(2), retry_after: None });
    }

    #[test]
    fn any_number_per_minute_is_a_period() {
        for (per_minute, period) in [(0, 60_000_000), (1, 60_000_000), (120, 500_000), (7_000, 8_571), (u32::MAX, 1)] {
            assert_eq!(RateLimit::per_minute(5, per_minute).period_micros(), period, "{per_minute}");
        }
    }

    #[test]
    fn an_ipv6_client_has_a_network() {
        let of = |text: &str| ClientNetwork::of(text.parse().expect("an address")).address().to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
    }
}
