use thiserror::Error;

use crate::{DisputeReport, IntentId, IntentRefund, Timestamp};

use super::{IntentReport, RefundReport, RefundedTotal};

/// A signed event cannot be read. The text says what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the event is malformed: {0}")]
pub struct MalformedEvent(pub &'static str);

/// Why an event was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(not(feature = "exhaustive"), non_exhaustive)]
pub enum BadEvent {
    /// The signature is missing, malformed, or made with another secret.
    #[error("the signature does not fit the body")]
    Signature,
    /// The signature is from another time: somebody may be replaying it.
    #[error("the signature is too old, or from the future")]
    Stale,
    /// It was signed, and cannot be read.
    #[error(transparent)]
    Malformed(#[from] MalformedEvent),
}

/// What an event reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayReport {
    /// The state of an intent.
    Intent(IntentReport),
    /// The status of a refund that we asked for.
    Refund(RefundReport),
    /// A refund of this intent that somebody made at the gateway.
    GatewayRefund(IntentId, IntentRefund),
    /// How much of an intent was refunded.
    RefundedTotal(RefundedTotal),
    /// Where a dispute stands.
    Dispute(DisputeReport),
    /// Something about an object that is not ours, such as a payment that another program asked the gateway for.
    NotOurs,
    /// Something of this kind, which this server does not know.
    Unknown(String),
}

/// An event from the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayEvent {
    /// The gateway's id for it. An event that arrives twice has the same.
    pub id: String,
    /// What it reports.
    pub report: GatewayReport,
}

/// Reads the events that the payment gateway sends.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait GatewayEvents: Send + Sync {
    /// Verifies the signature of an event and reads it.
    fn verify(&self, signature: &str, body: &[u8], now: Timestamp) -> Result<GatewayEvent, BadEvent>;

    /// The kinds of events that are not [`GatewayReport::Unknown`].
    fn known_kinds(&self) -> &'static [&'static str];

    /// Reads an event that was verified before.
    fn read(&self, body: &str) -> Result<GatewayEvent, MalformedEvent>;
}
