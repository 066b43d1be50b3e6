//! Which address a request comes from.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use actix_web::{dev::ServiceRequest, http::header::HeaderMap};
use comanda_domain::ClientNetwork;
use ipnet::IpNet;

use crate::config::canonical_network;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// Finds out where requests come from. A proxy that is trusted is believed.
#[derive(Clone)]
pub struct ClientAddresses {
    trusted_proxies: Arc<[IpNet]>,
    /// Whether somebody was reported whose `X-Forwarded-For` is not believed.
    reported: Arc<AtomicBool>,
}

impl ClientAddresses {
    pub fn behind(trusted_proxies: &[IpNet]) -> Self {
        let trusted_proxies = trusted_proxies.iter().copied().map(canonical_network).collect();
        Self { trusted_proxies, reported: Arc::default() }
    }

    /// Where a request comes from. Reports the first one whose `X-Forwarded-For` is not believed: where that is the
    /// operator's own proxy, all clients share its allowance.
    pub fn of(&self, request: &ServiceRequest) -> ClientNetwork {
        let peer = request.peer_addr().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip()).to_canonical();
        let headers = request.headers();
        if !headers.contains_key(FORWARDED_FOR) {
            return ClientNetwork::of(peer);
        }
        if !self.trusts(peer) {
            if !self.reported.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    %peer,
                    "X-Forwarded-For is ignored, because it comes from a peer that TRUSTED_PROXIES does not name; \
                     further ones are not reported"
                );
            }
            return ClientNetwork::of(peer);
        }
        ClientNetwork::of(self.forwarded(peer, headers))
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(&address))
    }

    /// Reads `X-Forwarded-For` from its end, for as long as a trusted proxy wrote it. It ends at what is no address:
    /// nobody knows who wrote what comes before.
    fn forwarded(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let values = headers.get_all(FORWARDED_FOR);
        let hops: Vec<&[u8]> = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).collect();
        let mut client = peer;
        for hop in hops.into_iter().rev().map(address_of) {
            match hop {
                Some(address) if self.trusts(client) => client = address,
                _ => break,
            }
        }
        client
    }
}

/// Some proxies write a port behind the address, and brackets around an IPv6 address.
fn address_of(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim().trim_matches('"');
    let with_port = || hop.parse().ok().map(|address: SocketAddr| address.ip());
    let in_brackets = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(|v6: Ipv6Addr| IpAddr::V6(v6));
    let address = hop.parse().ok().or_else(with_port).or_else(in_brackets)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::HeaderValue, test::TestRequest};

    use super::*;

    fn client(proxies: &str, peer: &str, forwarded: &[impl AsRef<[u8]>]) -> String {
        let proxies: Vec<IpNet> = proxies.split(',').filter_map(|network| network.parse().ok()).collect();
        let mut request = TestRequest::default().peer_addr(peer.parse().unwrap());
        for value in forwarded {
            request = request.append_header((FORWARDED_FOR, HeaderValue::from_bytes(value.as_ref()).unwrap()));
        }
        ClientAddresses::behind(&proxies).of(&request.to_srv_request()).address().to_string()
    }

    #[test]
    fn a_forwarded_address_is_believed_only_from_a_trusted_proxy() {
        let client = |proxies, forwarded| client(proxies, "10.0.0.1:1234", &[forwarded]);
        assert_eq!(client("", "192.0.2.7"), "10.0.0.1");
        assert_eq!(client("10.0.0.0/8", "192.0.2.7"), "192.0.2.7");
        assert_eq!(client("10.0.0.0/8", "198.51.100.1, 192.0.2.7"), "192.0.2.7", "the first is the client's own claim");
        assert_eq!(client("10.0.0.0/8", "192.0.2.7, 10.0.0.2"), "192.0.2.7", "two proxies");
        assert_eq!(client("10.0.0.0/8", "nonsense"), "10.0.0.1");
        assert_eq!(client("10.0.0.0/8", "192.0.2.7, nonsense"), "10.0.0.1");
    }

    #[test]
    fn what_nobody_can_read_hides_no_hop() {
        let client = |forwarded: &[&[u8]]| client("10.0.0.0/8", "10.0.0.1:1234", forwarded);
        assert_eq!(client(&[b"6.6.6.6", b"\xff, 1.2.3.4", b"10.0.0.2"]), "1.2.3.4");
        assert_eq!(client(&[b"6.6.6.6", b"1.2.3.4, \xff", b"10.0.0.2"]), "10.0.0.2");
        assert_eq!(client(&[b"6.6.6.6", b"\xff", b"10.0.0.2"]), "10.0.0.2");
    }

    #[test]
    fn an_address_is_the_same_however_it_is_written() {
        let proxies = ["127.0.0.0/8,2001:db8:ffff::/48", "::ffff:127.0.0.0/104,2001:db8:ffff::/48"];
        let peers = ["127.0.0.1:9", "[::ffff:127.0.0.1]:9", "[2001:db8:ffff::1]:9"];
        let written = [
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7:51234", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("[::ffff:192.0.2.7]:51234", "192.0.2.7"),
            ("2001:db8::7", "2001:db8::"),
            ("[2001:db8::7]", "2001:db8::"),
            ("[2001:db8::7]:443", "2001:db8::"),
            ("\"[2001:db8::7]:443\"", "2001:db8::"),
            ("192.0.2.7:80, 127.0.0.2:80, ::ffff:127.0.0.3", "192.0.2.7"),
        ];
        for proxies in proxies {
            for peer in peers {
                for (forwarded, expected) in written {
                    assert_eq!(client(proxies, peer, &[forwarded]), expected, "{forwarded} from {peer}");
                }
                assert_eq!(client(proxies, peer, &["198.51.100.1", "192.0.2.7:80"]), "192.0.2.7", "two headers");
            }
        }
        assert_eq!(client("", "[::ffff:192.0.2.9]:1", &[""; 0]), "192.0.2.9");
    }
}
