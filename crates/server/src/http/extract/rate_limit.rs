//! Which address a request comes from, and how often that address may try.

use std::{
    future::{Ready, ready},
    net::IpAddr,
    sync::Arc,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use comanda_domain::{Allowance, ClientNetwork, LimitedAction, ports::AddressLimits};
use ipnet::IpNet;

use super::Service;
use crate::http::{
    openapi::{Describe, Description},
    problem::{Code, Operation, Problem, whole_seconds},
};

/// Limits how often an address may attempt what could be guessed.
#[derive(Clone)]
pub struct RateLimiter {
    pub limits: Arc<dyn AddressLimits>,
    pub trusted_proxies: Arc<[IpNet]>,
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
        let counted = self.limiter.limits.count(action, self.client).await;
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
        ready(limiter.map(|limiter| {
            let client = ClientNetwork::of(limiter.client_address(request));
            Self { limiter, client }
        }))
    }
}

impl Describe for Limiter {
    fn describe(description: &mut Description) {
        description.problems(&[Code::RateLimited, Code::Unavailable]);
    }
}

impl RateLimiter {
    /// The network that a request comes from.
    pub fn client_network(&self, request: &HttpRequest) -> ClientNetwork {
        ClientNetwork::of(self.client_address(request))
    }

    /// Reads `X-Forwarded-For` from its end, for as long as a trusted proxy wrote it.
    fn client_address(&self, request: &HttpRequest) -> IpAddr {
        let trusted = |address: &IpAddr| self.trusted_proxies.iter().any(|network| network.contains(address));
        let mut client = request.peer_addr().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip());
        let headers = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = headers.flat_map(|value| value.split(',')).map(str::trim).collect();
        for hop in hops.iter().rev() {
            match hop.parse() {
                Ok(address) if trusted(&client) => client = address,
                _ => break,
            }
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use comanda_domain::ports::Unavailable;

    use super::*;

    struct NoLimits;

    #[async_trait::async_trait]
    impl AddressLimits for NoLimits {
        async fn count(&self, _: LimitedAction, _: ClientNetwork) -> Result<Allowance, Unavailable> {
            Err(Unavailable::new("not asked here"))
        }
    }

    #[test]
    fn a_forwarded_address_is_believed_only_from_a_trusted_proxy() {
        let rate_limiter = |proxies: &str| RateLimiter {
            limits: Arc::new(NoLimits),
            trusted_proxies: proxies.split(',').filter_map(|network| network.parse().ok()).collect(),
        };
        let client = |proxies: &str, forwarded: &str| {
            let request = TestRequest::default()
                .peer_addr("10.0.0.1:1234".parse().unwrap())
                .insert_header(("x-forwarded-for", forwarded))
                .to_http_request();
            rate_limiter(proxies).client_address(&request).to_string()
        };
        assert_eq!(client("", "192.0.2.7"), "10.0.0.1");
        assert_eq!(client("10.0.0.0/8", "192.0.2.7"), "192.0.2.7");
        assert_eq!(client("10.0.0.0/8", "198.51.100.1, 192.0.2.7"), "192.0.2.7", "the first is the client's own claim");
        assert_eq!(client("10.0.0.0/8", "192.0.2.7, 10.0.0.2"), "192.0.2.7", "two proxies");
        assert_eq!(client("10.0.0.0/8", "nonsense"), "10.0.0.1");
    }
}
