//! Decides which addresses webhooks may reach. Somebody chooses the target, and names can be made to point anywhere: at
//! this machine, at a cloud's metadata service, at the network behind the firewall (OWASP, "Server-Side Request Forgery
//! Prevention Cheat Sheet").

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Permits public addresses, and the networks that are allowed in addition.
#[derive(Clone, Debug)]
pub struct NetworkGuard {
    allowed: Arc<[IpNet]>,
}

impl NetworkGuard {
    /// `allowed` are networks that count as public.
    pub fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed: allowed.into() }
    }

    /// Checks whether a target may be used at all. Whatever its name resolves to is checked again for every connection.
    pub fn check(&self, url: &Url) -> Result<(), &'static str> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err("names no host"),
        };
        if address.is_some_and(|address| !self.admits(address)) {
            return Err("is not a public address");
        }
        let is_own_network = address.is_some_and(|address| self.is_allowed(address));
        match url.scheme() {
            "https" => Ok(()),
            "http" if is_own_network => Ok(()),
            _ => Err("must be https"),
        }
    }

    fn is_allowed(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|network| network.contains(&address))
    }

    fn admits(&self, address: IpAddr) -> bool {
        self.is_allowed(address) || is_public(address)
    }
}

/// Whether the address is outside of the ranges in IANA's special-purpose registries that could reach somebody.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_public_v4(v4),
            None => is_public_v6(v6),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || a >= 240
        // Carrier-grade NAT, protocol assignments, benchmarks.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // Global unicast, except documentation, and Teredo, 6to4 and NAT64, which lead to IPv4 addresses of all kinds.
    first & 0xe000 == 0x2000 && first != 0x2002 && !(first == 0x2001 && (second == 0 || second == 0xdb8))
}

impl Resolve for NetworkGuard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> = found.into_iter().filter(|found| guard.admits(found.ip())).collect();
            if public.is_empty() {
                return Err("the name resolves to no public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, allowed: &[&str]) -> Result<(), &'static str> {
        let allowed = allowed.iter().map(|network| network.parse().unwrap()).collect();
        NetworkGuard::new(allowed).check(&url.parse().unwrap())
    }

    #[test]
    fn addresses_behind_the_firewall_are_refused() {
        for url in [
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://10.1.2.3/",
            "https://172.16.0.1/",
            "https://192.168.0.1/",
            "https://169.254.169.254/latest/meta-data",
            "https://100.64.0.1/",
            "https://0.0.0.0/",
            "https://[fd00::1]/",
            "https://[fe80::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[64:ff9b::a00:1]/",
            "https://[2002:a00:1::]/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
            "https://[2001:db8::1]/",
        ] {
            assert_eq!(check(url, &[]), Err("is not a public address"), "{url}");
        }
    }

    #[test]
    fn public_addresses_are_reached_by_https() {
        assert_eq!(check("https://93.184.216.34/hook", &[]), Ok(()));
        assert_eq!(check("https://[2606:2800:220:1:248:1893:25c8:1946]/hook", &[]), Ok(()));
        assert_eq!(check("https://kitchen.example/hook", &[]), Ok(()));
        assert_eq!(check("http://kitchen.example/hook", &[]), Err("must be https"));
        assert_eq!(check("ftp://kitchen.example/hook", &[]), Err("must be https"));
    }

    #[test]
    fn an_own_network_can_be_allowed() {
        assert_eq!(check("http://10.1.2.3:8080/", &["10.1.0.0/16"]), Ok(()));
        assert_eq!(check("http://10.2.0.1/", &["10.1.0.0/16"]), Err("is not a public address"));
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_this_machine_is_refused() {
        let resolved = NetworkGuard::new(Vec::new()).resolve("localhost".parse().unwrap()).await;
        assert!(resolved.is_err());
        let allowed =
            NetworkGuard::new(vec!["127.0.0.0/8".parse().unwrap()]).resolve("localhost".parse().unwrap()).await;
        assert!(allowed.is_ok_and(|mut found| found.next().is_some()));
    }
}
