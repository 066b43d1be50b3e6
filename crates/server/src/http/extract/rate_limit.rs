//! How often an address may try, and how often an account may order.

use std::{
    cell::Cell,
    future::{Ready, ready},
    rc::Rc,
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

/// What is left of the limit that a request was counted against, for its response; of several, of the one that is
/// closest to its end. `None`: it was not counted.
#[derive(Clone, Default)]
pub struct Standing(Rc<Cell<Option<Allowance>>>);

impl Standing {
    /// The one of this request.
    pub fn of(request: &HttpRequest) -> Self {
        let known = request.extensions().get::<Self>().cloned();
        known.unwrap_or_else(|| {
            let standing = Self::default();
            request.extensions_mut().insert(standing.clone());
            standing
        })
    }

    /// The one of this request, if there is any.
    pub fn known(request: &HttpRequest) -> Option<Allowance> {
        request.extensions().get::<Self>().and_then(Self::get)
    }

    fn get(&self) -> Option<Allowance> {
        self.0.get()
    }

    fn note(&self, counted: Allowance) {
        // As shares of the whole: 3 of 100 are closer to the end than 1 of 5.
        let is_closer = |to: Allowance| {
            u64::from(counted.remaining) * u64::from(to.limit) < u64::from(to.remaining) * u64::from(counted.limit)
        };
        if self.0.get().is_none_or(is_closer) {
            self.0.set(Some(counted));
        }
    }

    /// One use was taken back. When all of them are back is known no better than before: at the latest then.
    fn give_back(&self) {
        let more = |known: Allowance| Allowance { remaining: (known.remaining + 1).min(known.limit), ..known };
        self.0.set(self.0.get().map(more));
    }
}

/// The rate limiter, and whom it is to count.
pub struct Limiter {
    limits: Service<RateLimiter>,
    client: ClientNetwork,
    standing: Standing,
}

impl Limiter {
    /// Where the request comes from.
    pub const fn client(&self) -> ClientNetwork {
        self.client
    }

    async fn count(&self, action: LimitedAction) -> Result<Allowance, Problem> {
        let counted = self.limits.addresses.count(action, self.client.into()).await;
        let counted = counted.map_err(|cause| Problem::unavailable(cause).during(Operation::AuthLimit))?;
        self.standing.note(counted);
        Ok(counted)
    }

    /// Counts an attempt, and says whether there were not too many, for a response that is the same either way.
    pub async fn admits(&self, action: LimitedAction) -> Result<bool, Problem> {
        Ok(self.count(action).await?.retry_after.is_none())
    }

    /// Counts an attempt; a problem if there were too many.
    pub async fn admit(&self, action: LimitedAction) -> Result<(), Problem> {
        let allowance = self.count(action).await?;
        let Some(wait) = allowance.retry_after else { return Ok(()) };
        let problem = Problem::new(Code::RateLimited, "Too many attempts came from this address.");
        Err(problem.retry_after(whole_seconds(wait)).allowance(allowance))
    }
}

impl FromRequest for Limiter {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limits = Service::<RateLimiter>::from_request(request, payload).into_inner();
        let client = request.extensions().get::<ClientNetwork>().copied();
        let client = client.ok_or_else(|| Problem::new(Code::Internal, "Something went wrong."));
        let standing = Standing::of(request);
        ready(limits.and_then(|limits| Ok(Self { limits, client: client?, standing })))
    }
}

impl Describe for Limiter {
    fn describe(description: &mut Description) {
        description.problems(&[Code::RateLimited, Code::Unavailable]);
        description.limits_addresses = true;
        description.counts_attempts = true;
    }
}

/// Limits how often an account may attempt to order.
pub struct OrderAttempts {
    limiter: Service<RateLimiter>,
    standing: Standing,
}

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
        self.standing.note(allowance);
        let Some(wait) = allowance.retry_after else { return Ok(()) };
        let detail = format!("An account may {what} {} times a minute.", allowance.limit);
        let problem = Problem::new(Code::RateLimited, detail).with("limit", OrderLimit::Attempts.as_str().into());
        Err(problem.retry_after(whole_seconds(wait)).allowance(allowance))
    }

    /// Takes an attempt back that was admitted, and turned out to be none.
    pub async fn give_back(&self, actor: Actor) {
        let Some(limits) = self.limits_of(actor) else { return };
        match limits.give_back(LimitedAction::PlaceOrder, actor.account_id.into()).await {
            Ok(()) => self.standing.give_back(),
            Err(error) => tracing::info!(%error, "an attempt to order that was none stays counted"),
        }
    }

    fn limits_of(&self, actor: Actor) -> Option<&Arc<dyn RateLimits>> {
        self.limiter.orders.as_ref().filter(|_| actor.as_staff().is_none())
    }
}

impl FromRequest for OrderAttempts {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let standing = Standing::of(request);
        ready(Service::from_request(request, payload).into_inner().map(|limiter| Self { limiter, standing }))
    }
}

impl Describe for OrderAttempts {
    fn describe(description: &mut Description) {
        description.problems(&[Code::RateLimited, Code::Unavailable]);
        description.counts_attempts = true;
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_response_shows_the_limit_that_is_closest_to_its_end() {
        let request = TestRequest::default().to_http_request();
        assert_eq!(Standing::of(&request).get(), None, "it was not counted");
        let left = |remaining, limit| Allowance { limit, remaining, reset: TimeDelta::seconds(9), retry_after: None };
        for (counted, shown) in [((4, 5), (4, 5)), ((3, 100), (3, 100)), ((1, 5), (3, 100)), ((0, 5), (0, 5))] {
            Standing::of(&request).note(left(counted.0, counted.1));
            let known = Standing::of(&request).get().map(|allowance| (allowance.remaining, allowance.limit));
            assert_eq!(known, Some(shown));
        }
        Standing::of(&request).give_back();
        assert_eq!(Standing::of(&request).get(), Some(left(1, 5)));
    }
}
