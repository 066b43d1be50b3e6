//! Where a session was opened, for its owner to recognize it.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use thiserror::Error;

use crate::ClientName;

/// The network of a client's address, wide enough not to say who somebody is: /24 of an IPv4 address, /48 of an IPv6
/// address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressNetwork(IpAddr);

/// The text names no network of these sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a network that an address is shown as")]
pub struct NotANetwork;

impl AddressNetwork {
    /// The network of an address. An IPv4 address that is mapped to IPv6 counts as IPv4.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() >> 8 << 8).into(),
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 80 << 80).into(),
        })
    }
}

impl fmt::Display for AddressNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = if self.0.is_ipv4() { 24 } else { 48 };
        write!(f, "{}/{prefix}", self.0)
    }
}

impl FromStr for AddressNetwork {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let address = text.split_once('/').and_then(|(address, _)| address.parse().ok()).ok_or(NotANetwork)?;
        Some(Self::of(address)).filter(|network| network.to_string() == text).ok_or(NotANetwork)
    }
}

/// Where a session was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionOrigin {
    /// What the client calls itself, if it does.
    pub client: Option<ClientName>,
    /// The network of its address; unknown of sessions of earlier releases.
    pub network: Option<AddressNetwork>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_as_its_network() {
        for (address, network) in [
            ("192.0.2.77", "192.0.2.0/24"),
            ("::ffff:192.0.2.77", "192.0.2.0/24"),
            ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ] {
            let shown = AddressNetwork::of(address.parse().unwrap());
            assert_eq!(shown.to_string(), network);
            assert_eq!(network.parse(), Ok(shown));
        }
        for odd in ["", "192.0.2.0", "192.0.2.1/24", "192.0.2.0/16", "2001:db8::/24"] {
            assert_eq!(odd.parse::<AddressNetwork>(), Err(NotANetwork), "{odd}");
        }
    }
}
