//! How often an address may try, and how often an account may order.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use comanda_domain::{Actor, Allowance, ClientNetwork, LimitedAction, OrderLimit, ports::RateLimits};

use super::Service;
use crate::http::{
    openapi::{Describe, Description},
    problem::{Code, Operation, Problem, whole_seconds},
};

/// Limits how often something may be attempted.
#[derive(Clone)]
pub struct RateLimiter {
    /// How often an address may attempt what could be guessed, or what is dear.
    pub addresses: Arc<dyn RateLimits>,
    /// How often an account may attempt to order; `None`: any number of times.
    pub orders: Option<Arc<dyn RateLimits>>,
}

/// The rate limiter, and whom it is to count.
pub struct Limiter {
    limiter: Service<RateLimiter>,
    client: ClientNetwork,
}

impl Limiter {
    /// Where the request comes from.
    pub const fn client(&self) -> ClientNetwork {
        self.client
    }

    async fn count(&self, action: LimitedAction) -> Result<Allowance, Problem> {
        let counted = self.limiter.addresses.count(action, self.client.into()).await;
        counted.map_err(|cause| Problem::unavailable(cause).during(Operation::AuthLimit))
    }

    /// Counts an attempt, and says whether there were not too many, for a response that must not show it.
    pub async fn admits(&self, action: LimitedAction) -> Result<bool, Problem> {
        Ok(self.count(action).await?.retry_after.is_none())
    }

    /// Counts an attempt; a problem if there were too many.
    pub async fn admit(&self, action: LimitedAction) -> Result<Allowance, Problem> {
        let allowance = self.count(action).await?;
        let Some(wait) = allowance.retry_after else { return Ok(allowance) };
        let problem = Problem::new(Code::RateLimited, "Too many attempts came from this address.");
        Err(problem.retry_after(whole_seconds(wait)).allowance(allowance))
    }
}

impl FromRequest for Limiter {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limiter = Service::<RateLimiter>::from_request(request, payload).into_inner();
        let client = request.extensions().get::<ClientNetwork>().copied();
        let client = client.ok_or_else(|| Problem::new(Code::Internal, "Something went wrong."));
        ready(limiter.and_then(|limiter| Ok(Self { limiter, client: client? })))
    }
}

impl Describe for Limiter {
    fn describe(description: &mut Description) {
        description.problems(&[Code::RateLimited, Code::Unavailable]);
        description.limits_addresses = true;
    }
}

/// Limits how often an account may attempt to order.
pub struct OrderAttempts(Service<RateLimiter>);

impl OrderAttempts {
    /// Counts an attempt; a problem if there were too many. Staff, who order for customers, may try as often as they
    /// like.
    pub async fn admit(&self, actor: Actor) -> Result<(), Problem> {
        self.count(LimitedAction::PlaceOrder, actor, "attempt orders").await
    }

    /// The same for quotes, which are counted by themselves.
    pub async fn admit_quote(&self, actor: Actor) -> Result<(), Problem> {
        self.count(LimitedAction::QuoteOrder, actor, "ask for quotes").await
    }

    async fn count(&self, action: LimitedAction, actor: Actor, what: &str) -> Result<(), Problem> {
        let Some(limits) = self.limits_of(actor) else { return Ok(()) };
        let allowance = limits.count(action, actor.account_id.into()).await?;
        let Some(wait) = allowance.retry_after else { return Ok(()) };
        let detail = format!("An account may {what} {} times a minute.", allowance.limit);
        let problem = Problem::new(Code::RateLimited, detail).with("limit", OrderLimit::Attempts.as_str().into());
        Err(problem.retry_after(whole_seconds(wait)).allowance(allowance))
    }

    /// Takes an attempt back that was admitted, and turned out to be none.
    pub async fn give_back(&self, actor: Actor) {
        let Some(limits) = self.limits_of(actor) else { return };
        if let Err(error) = limits.give_back(LimitedAction::PlaceOrder, actor.account_id.into()).await {
            tracing::info!(%error, "an attempt to order that was none stays counted");
        }
    }

    fn limits_of(&self, actor: Actor) -> Option<&Arc<dyn RateLimits>> {
        self.0.orders.as_ref().filter(|_| actor.as_staff().is_none())
    }
}

impl FromRequest for OrderAttempts {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Service::from_request(request, payload).into_inner().map(Self))
    }
}

impl Describe for OrderAttempts {
    fn describe(description: &mut Description) {
        description.problems(&[Code::RateLimited, Code::Unavailable]);
    }
}
