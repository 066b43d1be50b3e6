//! How many streams there are, and what their responses look like.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{ConnectionType, Version, header},
};
use comanda_application::live::Watch;
use comanda_domain::{
    AccountId, Actor, Role,
    ports::{Clock, ClosedSessions},
};
use metrics::{counter, gauge};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{Frame, Hub, Topic, stream::Stream};
use crate::http::{
    extract::Watcher,
    problem::{Code, Problem},
    transport::hung_up,
};

/// How many streams there may be at a time.
#[derive(Clone, Copy, Debug)]
pub struct StreamLimits {
    pub per_account: usize,
    pub per_process: usize,
}

/// The streams of this process.
#[derive(Clone)]
pub struct Streams {
    pub hub: Arc<Hub>,
    pub closed: Arc<dyn ClosedSessions>,
    pub clock: Arc<dyn Clock>,
    limits: StreamLimits,
    open: Arc<Mutex<HashMap<AccountId, usize>>>,
    ending: CancellationToken,
}

/// A stream that counts, until it is dropped.
pub struct Counted {
    account: AccountId,
    open: Arc<Mutex<HashMap<AccountId, usize>>>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = open.get_mut(&self.account) {
            *own -= 1;
            if *own == 0 {
                open.remove(&self.account);
            }
        }
        gauge!("comanda_event_streams").decrement(1);
    }
}

impl Streams {
    pub fn new(hub: Arc<Hub>, closed: Arc<dyn ClosedSessions>, clock: Arc<dyn Clock>, limits: StreamLimits) -> Self {
        Self { hub, closed, clock, limits, open: Arc::default(), ending: CancellationToken::new() }
    }

    /// Counts one more stream of an account; a problem if there are too many. However many customers watch, there is room
    /// for the kitchen.
    pub fn enter(&self, Actor { account_id: account, role, .. }: Actor) -> Result<Counted, Problem> {
        /// Streams end when somebody leaves: nobody knows when.
        const RETRY_AFTER: u32 = 5;

        let StreamLimits { per_account, per_process } = self.limits;
        let most = if role == Role::Customer { per_process - per_process / 5 } else { per_process };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let own = open.get(&account).copied().unwrap_or_default();
        let detail = if own >= per_account {
            format!("An account may have {per_account} event streams open at a time.")
        } else if open.values().sum::<usize>() >= most {
            "This server has as many event streams open as it may.".to_owned()
        } else {
            open.insert(account, own + 1);
            gauge!("comanda_event_streams").increment(1);
            return Ok(Counted { account, open: Arc::clone(&self.open) });
        };
        counter!("comanda_event_streams_refused_total").increment(1);
        Err(Problem::new(Code::RateLimited, detail).retry_after(RETRY_AFTER))
    }

    /// The response that shows what is watched, and goes on with its updates.
    pub fn respond(
        &self,
        request: &HttpRequest,
        counted: Counted,
        watcher: Watcher,
        topic: Topic,
        watch: &Watch<impl Serialize>,
    ) -> Result<HttpResponse, Problem> {
        let Watch { shown, position, beginning } = watch;
        let first = Frame::beginning(*beginning, shown, position).map_err(|error| {
            tracing::error!(%error, "a snapshot cannot be written");
            Problem::new(Code::Internal, "Something went wrong.")
        })?;
        let stream = Stream {
            first: Some(first),
            listening: self.hub.listen(topic, position.clone()),
            session: watcher.actor.session_id,
            closed: Arc::clone(&self.closed),
            time_left: (watcher.until - self.clock.now()).to_std().unwrap_or(Duration::ZERO),
            ending: self.ending.clone(),
            hung_up: hung_up(request),
            counted,
        };
        let mut response = HttpResponse::Ok()
            .content_type("text/event-stream")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            // nginx would collect what is sent, and hand it over late.
            .insert_header(("x-accel-buffering", "no"))
            .streaming(stream.sent());
        if request.version() < Version::HTTP_11 {
            // Such a client knows of no chunks (RFC 9112, section 6.1): the body ends with the connection.
            let head = response.head_mut();
            head.no_chunking(true);
            head.set_connection_type(ConnectionType::Close);
        }
        Ok(response)
    }

    /// Ends them all, and those that begin from now on: the server is about to stop.
    pub fn end(&self) {
        self.ending.cancel();
    }
}
