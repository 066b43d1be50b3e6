//! What a run records: one line of JSON per call, and one per thing that reached somebody without being called for.

mod digest;
mod request;
mod response;

use comanda_domain::AccountId;
use serde::{Deserialize, Serialize};

pub use self::{
    digest::Digest,
    request::{
        Change, Counter, Fault, MenuChange, OrderedLine, PaymentWay, Request, Selection, StreamMessage, WebhookEvent,
        WhichSessions,
    },
    response::{
        ItemShortage, LineShown, LockShown, MenuItemShown, MenuShown, OrderShown, Outcome, PaymentShown, RefundShown,
        Response, SelectionShown, Shown, StockShown, SupplyShortage, TicketShown,
    },
};

/// Who calls: a number that a person, or a watcher of a stream, keeps for the whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(pub u32);

/// A process of the server. One that is started again gets another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServerId(pub u32);

/// A session: the sequence number of the sign-in that opened it. It stays the same when its tokens are refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub u64);

/// What the caller is, by the time of the call, as far as the caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Caller {
    /// Nobody is signed in.
    Anonymous,
    Customer,
    Staff,
    Admin,
    /// Who received a webhook.
    Receiver,
    /// Whoever breaks things, or works at the command line.
    Operator,
}

/// A call with what became of it, or something that was received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Unique within the run. Lines may stand in any order.
    pub sequence: u64,
    pub client: ClientId,
    pub caller: Caller,
    /// Who is signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// The session whose credentials went along, whether or not it still counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Which process was asked; `None` where a proxy chose, or none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerId>,
    /// Nanoseconds of one monotonic clock of the run: before the first byte of the request was written.
    pub begin: u64,
    /// After the last byte of the response was read, or when the caller gave up. Of what was received: when, as
    /// `begin`.
    pub end: u64,
    /// The `Idempotency-Key`, with what it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    pub request: Request,
    pub outcome: Outcome,
}

/// An `Idempotency-Key`. Its scope is the account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Key {
    pub key: String,
    /// Of the method, the path and the body: the same for the same request.
    pub request: Digest,
}

impl Record {
    /// The response, if there was one.
    pub const fn response(&self) -> Option<&Response> {
        match &self.outcome {
            Outcome::Response(response) => Some(response),
            Outcome::Unknown(_) => None,
        }
    }

    /// Whether the response says that it was done, now or, if it was replayed, before.
    pub fn succeeded(&self) -> bool {
        self.response().is_some_and(Response::is_success)
    }

    /// Whether this very call did it.
    pub fn did_it(&self) -> bool {
        self.response().is_some_and(|response| response.is_success() && !response.replayed)
    }

    /// Whether nobody knows if it was done: no response came, or one that says nothing about that.
    pub fn is_unknown(&self) -> bool {
        self.response().is_none_or(|response| response.status >= 500)
    }

    /// Whether this call may have done it.
    pub fn may_have_done_it(&self) -> bool {
        self.did_it() || self.is_unknown()
    }

    /// When it was done at the latest: `u64::MAX` if a server may still be about it after the caller gave up.
    pub fn done_by(&self) -> u64 {
        if self.is_unknown() { u64::MAX } else { self.end }
    }

    /// What the response shows.
    pub fn shown(&self) -> &Shown {
        self.response().map_or(&Shown::Nothing, |response| &response.shown)
    }

    /// Whether the response has this problem code.
    pub fn is_refused_with(&self, code: &str) -> bool {
        self.response().is_some_and(|response| response.code.as_deref() == Some(code))
    }
}
