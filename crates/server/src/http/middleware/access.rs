//! One line of the log per request, so that its id leads somewhere.

use std::{cell::Cell, net::IpAddr, rc::Rc, time::Instant};

use actix_web::{HttpMessage, dev::ServiceRequest, http::StatusCode, web::Data};
use comanda_domain::ClientNetwork;
use ipnet::IpNet;
use rand::RngExt;

use super::{client::ClientAddresses, measured::method_of, request_id::RequestId};

/// Which requests have a line: all that did not succeed, and a sample of the others.
#[derive(Clone)]
pub struct AccessLog {
    /// The percentage of the others.
    pub percent: u32,
    pub clients: ClientAddresses,
}

/// The route that serves a request, once it is known.
#[derive(Clone, Default)]
pub(super) struct Route(Rc<Cell<Option<&'static str>>>);

impl Route {
    pub(super) fn set(&self, path: &'static str) {
        self.0.set(Some(path));
    }
}

/// The line of a request under way.
pub(super) struct Access {
    id: RequestId,
    method: &'static str,
    route: Route,
    network: Option<IpNet>,
    begin: Instant,
    is_sampled: bool,
    has_ended: bool,
}

impl Access {
    /// `None`: this server has no such log.
    pub(super) fn begin(request: &ServiceRequest, id: &RequestId) -> Option<Self> {
        let log = request.app_data::<Data<AccessLog>>()?;
        let client = log.clients.of(request);
        let route = Route::default();
        let mut extensions = request.extensions_mut();
        extensions.insert(client);
        extensions.insert(route.clone());
        Some(Self {
            id: id.clone(),
            method: method_of(request.method()),
            route,
            network: network_of(client.address()),
            begin: Instant::now(),
            is_sampled: log.percent >= 100 || rand::rng().random_range(0..100) < log.percent,
            has_ended: false,
        })
    }

    /// `pattern` is the route as the framework knows it, for a request that no handler was found for.
    pub(super) fn end(access: Option<Self>, status: StatusCode, pattern: impl FnOnce() -> Option<String>) {
        let Some(mut access) = access else { return };
        access.has_ended = true;
        if access.is_sampled || status.is_client_error() || status.is_server_error() {
            let pattern = if access.route.0.get().is_none() { pattern() } else { None };
            access.write(Some(status), pattern.as_deref());
        }
    }

    /// Outside the request's span, which knows the address.
    fn write(&self, status: Option<StatusCode>, pattern: Option<&str>) {
        let seconds = self.begin.elapsed().as_secs_f64();
        tracing::info!(
            target: "access",
            request_id = self.id.as_str(),
            method = self.method,
            route = self.route.0.get().or(pattern).unwrap_or("unmatched"),
            status = status.map(|status| status.as_u16()),
            milliseconds = (seconds * 10_000.0).round() / 10.0,
            network = self.network.map(tracing::field::display),
            "{}",
            if status.is_some() { "request" } else { "request, whose client hung up" }
        );
    }
}

impl Drop for Access {
    /// A client that hangs up ends its request here.
    fn drop(&mut self) {
        if !self.has_ended {
            self.write(None, None);
        }
    }
}

/// Where somebody is, but not who it is: the network of 256 addresses of IPv4, and of a site of IPv6.
pub(in crate::http) fn network_of(address: IpAddr) -> Option<IpNet> {
    let address = ClientNetwork::of(address).address();
    let length = if address.is_ipv4() { 24 } else { 48 };
    IpNet::new(address, length).ok().map(|network| network.trunc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_names_nobody() {
        for (address, network) in [
            ("192.0.2.77", "192.0.2.0/24"),
            ("::ffff:192.0.2.77", "192.0.2.0/24"),
            ("2001:db8:1:2::77", "2001:db8:1::/48"),
        ] {
            assert_eq!(network_of(address.parse().unwrap()).unwrap().to_string(), network);
        }
    }
}
