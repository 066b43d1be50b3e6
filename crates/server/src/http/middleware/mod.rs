//! What wraps a request: its name, its place among the others, its time, its span and its metrics.

mod access;
mod admission;
mod budget;
mod client;
mod envelope;
mod measured;
mod over_https;
mod panics;
mod request_id;
mod run_to_completion;
mod serve;
mod traced;

pub(super) use self::access::network_of;
pub use self::{
    access::AccessLog,
    admission::{Admission, Place},
    budget::Budgets,
    client::ClientAddresses,
    envelope::{response_headers, wrap as envelope},
    measured::Measuring,
    over_https::OverHttps,
    panics::panicked,
    request_id::{HEADER as REQUEST_ID_HEADER, RequestId},
    run_to_completion::run_to_completion,
    serve::{Serving, serve},
};
