//! For how long rows are kept that are of no use any more after some time.

use std::time::Duration;

use crate::IdempotencyKey;

/// What is deleted after some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Perishable {
    /// Idempotency keys, by the time they were recorded.
    IdempotencyKeys,
    /// Sessions, by the time they ended.
    Sessions,
    /// Refresh tokens, by the time they were used.
    RefreshTokens,
    /// Tokens in mails, by the time they expired.
    MailTokens,
    /// Mails to accounts, by the time they were recorded.
    Mails,
    /// Events of the payment gateway, by the time they were handled.
    GatewayEvents,
    /// Events of the payment gateway of kinds that no server has known, by the time one put them aside.
    UnknownGatewayEvents,
    /// Events that every subscriber has and that the sales figures include, by the time they happened.
    Events,
    /// Subscribers that no server delivers to any more, by the time one last did.
    Subscribers,
}

impl Perishable {
    /// Everything, in the order in which it is deleted.
    pub const ALL: [Self; 9] = [
        Self::IdempotencyKeys,
        Self::Sessions,
        Self::RefreshTokens,
        Self::MailTokens,
        Self::Mails,
        Self::GatewayEvents,
        Self::UnknownGatewayEvents,
        Self::Subscribers,
        Self::Events,
    ];

    /// The table's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IdempotencyKeys => "idempotency_keys",
            Self::Sessions => "sessions",
            Self::RefreshTokens => "refresh_tokens",
            Self::MailTokens => "mail_tokens",
            Self::Mails => "mails",
            Self::GatewayEvents | Self::UnknownGatewayEvents => "gateway_events",
            Self::Events => "outbox_events",
            Self::Subscribers => "outbox_subscribers",
        }
    }
}

/// What a deployment says of how long things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionTerms {
    /// Events that were delivered and summarized, and subscribers that are gone.
    pub events: Duration,
    /// Events of the payment gateway that were handled.
    pub gateway_events: Duration,
    /// Events of the payment gateway that wait for a server that knows their kinds.
    pub unknown_gateway_events: Duration,
    /// How long after its use a refresh token may come back.
    pub refresh_grace: Duration,
}

impl RetentionTerms {
    /// For requests that are under way, and for servers whose clocks or settings differ.
    const SLACK: Duration = Duration::from_mins(10);

    /// How long a session that has ended is kept: longer than any token of it is valid.
    const SESSIONS: Duration = Duration::from_hours(48);

    /// How long a token that is not valid any more is kept, to say why it does not count.
    const MAIL_TOKENS: Duration = Duration::from_hours(24);

    /// Longer than the limits count mails, and than idempotency keys are remembered.
    const MAILS: Duration = Duration::from_hours(25);

    /// What is older than this is deleted.
    pub fn age(&self, what: Perishable) -> Duration {
        match what {
            Perishable::IdempotencyKeys => IdempotencyKey::KEPT + Self::SLACK,
            Perishable::Sessions => Self::SESSIONS,
            // A token whose row is gone is recognized by itself.
            Perishable::RefreshTokens => self.refresh_grace + Self::SLACK,
            Perishable::MailTokens => Self::MAIL_TOKENS,
            Perishable::Mails => Self::MAILS,
            Perishable::GatewayEvents => self.gateway_events,
            Perishable::UnknownGatewayEvents => self.unknown_gateway_events,
            Perishable::Events | Perishable::Subscribers => self.events,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_for_as_long_as_it_may_be_repeated() {
        let terms = RetentionTerms {
            events: Duration::from_hours(720),
            gateway_events: Duration::from_hours(2160),
            unknown_gateway_events: Duration::from_hours(4320),
            refresh_grace: Duration::from_secs(10),
        };
        assert!(terms.age(Perishable::IdempotencyKeys) > IdempotencyKey::KEPT);
        assert_eq!(terms.age(Perishable::UnknownGatewayEvents), Duration::from_hours(4320));
        assert_eq!(terms.age(Perishable::Events), Duration::from_hours(720));
        assert_eq!(terms.age(Perishable::RefreshTokens), Duration::from_secs(610));
        assert!(Perishable::ALL.iter().all(|what| terms.age(*what) > Duration::ZERO));
    }
}
