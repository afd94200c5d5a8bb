//! Who a connection or a request counts for, and which proxies are believed about it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use axum::http::HeaderMap;

use crate::limits::HOPS_MAX;

/// What limits are counted by: an IPv4 address, or the /64 of an IPv6 one, which is what one household has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address(IpAddr);

impl Address {
    /// All that come when too many addresses are remembered already.
    pub(crate) const EVERYBODY: Self = Self(IpAddr::V6(Ipv6Addr::UNSPECIFIED));

    /// Of an address as the socket or a proxy tells it.
    pub fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V6(ip) => Self(IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)))),
            ip @ IpAddr::V4(_) => Self(ip),
        }
    }

    /// Its bits, as IPv6 writes them.
    pub(crate) fn bytes(self) -> [u8; 16] {
        match self.0 {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            IpAddr::V6(ip) => ip.octets(),
        }
    }

    /// All that begin with so many bits as this one: those of a neighbourhood, or of a provider.
    pub(crate) fn network(self, v4_bits: u32, v6_bits: u32) -> Self {
        Self(match self.0 {
            IpAddr::V4(ip) => {
                let kept = u32::MAX.checked_shl(32 - v4_bits.min(32)).unwrap_or_default();
                IpAddr::V4(Ipv4Addr::from_bits(ip.to_bits() & kept))
            }
            IpAddr::V6(ip) => {
                let kept = u128::MAX.checked_shl(128 - v6_bits.min(128)).unwrap_or_default();
                IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & kept))
            }
        })
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            IpAddr::V4(ip) => write!(f, "{ip}"),
            IpAddr::V6(ip) => write!(f, "{ip}/64"),
        }
    }
}

/// Addresses that begin alike: `10.0.0.0/8`, or one address alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    ip: IpAddr,
    bits: u32,
}

/// A network that does not parse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address of a proxy: give one like 127.0.0.1, or a network like 10.0.0.0/8")]
pub struct NetworkError(String);

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError(text.to_owned());
        let (ip, bits) = match text.split_once('/') {
            Some((ip, bits)) => (ip, Some(bits.parse::<u32>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let ip: IpAddr = ip.trim().parse().map_err(|_| wrong())?;
        let most = if ip.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        if bits > most { Err(wrong()) } else { Ok(Self { ip, bits }) }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.ip, self.bits) {
            (ip @ IpAddr::V4(_), 32) | (ip @ IpAddr::V6(_), 128) => write!(f, "{ip}"),
            (ip, bits) => write!(f, "{ip}/{bits}"),
        }
    }
}

impl Network {
    fn holds(self, ip: IpAddr) -> bool {
        let left_out = |most: u32| most - self.bits.min(most);
        match (self.ip, ip) {
            (IpAddr::V4(own), IpAddr::V4(ip)) => {
                (u64::from(own.to_bits()) ^ u64::from(ip.to_bits())) >> left_out(32) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(ip)) => {
                (own.to_bits() ^ ip.to_bits()).checked_shr(left_out(128)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// The proxies that stand before the relay.
#[derive(Clone, Debug, Default)]
pub struct Proxies(pub Vec<Network>);

impl Proxies {
    /// Whether what this address says about others is believed.
    pub fn trusts(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.0.iter().any(|network| network.holds(ip))
    }

    /// Who asks: the peer, or where it is one of the proxies, the last address that none of them is. What stands
    /// before that in the headers was written by strangers.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        if !self.trusts(peer) {
            return client;
        }
        let hops = hops(headers);
        for hop in hops.iter().rev().take(HOPS_MAX) {
            let Some(ip) = address_of(hop) else { break };
            client = ip;
            if !self.trusts(ip) {
                break;
            }
        }
        client
    }
}

/// Whether a request says that a proxy passed it on.
pub(super) fn is_passed_on(headers: &HeaderMap) -> bool {
    headers.contains_key("x-forwarded-for") || headers.contains_key("forwarded")
}

/// Of `X-Forwarded-For`; of `Forwarded` only where a request has none of those, whatever stands in it: a proxy puts its
/// own hop behind what a stranger wrote, also where that is no text.
fn hops(headers: &HeaderMap) -> Vec<String> {
    let of = |name: &str| -> Vec<String> {
        let lines = headers.get_all(name).into_iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        lines.flat_map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    if headers.contains_key("x-forwarded-for") {
        return of("x-forwarded-for");
    }
    let named = |hop: String| {
        // As many bytes as before: only ASCII changes.
        let at = hop.to_ascii_lowercase().find("for=")? + 4;
        Some(hop[at..].split(';').next()?.trim().trim_matches('"').to_owned())
    };
    of("forwarded").into_iter().map(|hop| named(hop).unwrap_or_default()).collect()
}

/// With or without a port, IPv6 with or without brackets.
fn address_of(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']')).unwrap_or(hop);
    bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|addr| addr.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn proxies(networks: &[&str]) -> Proxies {
        Proxies(networks.iter().map(|network| network.parse().unwrap()).collect())
    }

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_household_is_one_address() {
        assert_eq!(Address::of(ip("2001:db8::1")), Address::of(ip("2001:db8::ffff:1")));
        assert_ne!(Address::of(ip("2001:db8:0:1::1")), Address::of(ip("2001:db8::1")));
        assert_eq!(Address::of(ip("::ffff:192.0.2.1")), Address::of(ip("192.0.2.1")));
        assert_ne!(Address::of(ip("192.0.2.2")), Address::of(ip("192.0.2.1")));
        assert_eq!(Address::of(ip("2001:db8::5")).to_string(), "2001:db8::/64");
    }

    #[test]
    fn a_network_holds_what_begins_like_it() {
        let ours = proxies(&["10.1.0.0/16", "192.0.2.7", "2001:db8::/32", "::1"]);
        for held in ["10.1.255.3", "192.0.2.7", "2001:db8:ffff::1", "::1", "::ffff:10.1.2.3"] {
            assert!(ours.trusts(ip(held)), "{held}");
        }
        for other in ["10.2.0.1", "192.0.2.8", "2001:db9::1", "::2"] {
            assert!(!ours.trusts(ip(other)), "{other}");
        }
        assert!(proxies(&["0.0.0.0/0"]).trusts(ip("1.2.3.4")) && proxies(&["::/0"]).trusts(ip("fe80::1")));
        for wrong in ["", "proxy", "10.0.0.0/33", "::/129", "10.0.0.0/x", "10.0.0.0/-1", "1.2.3.4:80"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_configured_hops_are_believed() {
        let forged = headers(&[("x-forwarded-for", "203.0.113.9")]);
        assert_eq!(proxies(&[]).client(ip("127.0.0.1"), &forged), ip("127.0.0.1"));
        let one = proxies(&["127.0.0.1"]);
        assert_eq!(one.client(ip("198.51.100.1"), &forged), ip("198.51.100.1"), "it is no proxy of ours");
        assert_eq!(one.client(ip("127.0.0.1"), &forged), ip("203.0.113.9"));
        // What a stranger wrote stands before what the proxy added.
        let added = headers(&[("x-forwarded-for", "1.1.1.1, 203.0.113.9")]);
        assert_eq!(one.client(ip("127.0.0.1"), &added), ip("203.0.113.9"));
        let lines = headers(&[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "203.0.113.9:4711")]);
        assert_eq!(one.client(ip("127.0.0.1"), &lines), ip("203.0.113.9"));
        let two = proxies(&["127.0.0.1", "10.0.0.0/8"]);
        let chain = headers(&[("x-forwarded-for", "1.1.1.1, 203.0.113.9, 10.2.3.4")]);
        assert_eq!(two.client(ip("127.0.0.1"), &chain), ip("203.0.113.9"));
        let broken = headers(&[("x-forwarded-for", "nonsense, 10.2.3.4")]);
        assert_eq!(two.client(ip("127.0.0.1"), &broken), ip("10.2.3.4"));
    }

    #[test]
    fn what_is_no_text_hides_nothing_that_a_proxy_added() {
        let one = proxies(&["127.0.0.1"]);
        for written in [&b"\xe9, 203.0.113.9"[..], b"\xff\xfe ,203.0.113.9", b"\xe9", b""] {
            let mut headers = headers(&[("forwarded", "for=198.51.100.7")]);
            headers.append("x-forwarded-for", axum::http::HeaderValue::from_bytes(written).unwrap());
            let added = written.ends_with(b"203.0.113.9");
            let expected = if added { "203.0.113.9" } else { "127.0.0.1" };
            assert_eq!(one.client(ip("127.0.0.1"), &headers), ip(expected), "{written:?}");
        }
    }

    #[test]
    fn the_standard_header_is_read_where_it_is_the_only_one() {
        let one = proxies(&["127.0.0.1"]);
        for line in
            ["for=203.0.113.9", "For=\"203.0.113.9:80\";proto=https", "for=1.1.1.1, proto=https;for=203.0.113.9"]
        {
            assert_eq!(one.client(ip("127.0.0.1"), &headers(&[("forwarded", line)])), ip("203.0.113.9"), "{line}");
        }
        let six = headers(&[("forwarded", "for=\"[2001:db8::1]:4711\"")]);
        assert_eq!(one.client(ip("127.0.0.1"), &six), ip("2001:db8::1"));
        assert_eq!(one.client(ip("127.0.0.1"), &headers(&[("forwarded", "for=_hidden")])), ip("127.0.0.1"));
    }
}
