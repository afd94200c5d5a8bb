//! Where the relay is to listen, and how others reach it.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::http::Uri;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::finding::Findings;
use crate::config::Config;
use crate::error::plain;

/// Who listens already is asked for so long who it is.
const ASK: Duration = Duration::from_secs(2);
/// Bytes of its answer that are looked at.
const ANSWER_BYTES: u64 = 4 * 1024;

/// Tries all addresses, and lets them go again.
pub(super) async fn look_at_addresses(config: &Config, found: &mut Findings) {
    let with_metrics = config.metrics_listen.map(|addr| ("metrics_listen", addr));
    // Until all were tried: two of them may exclude each other.
    let mut held = Vec::new();
    for (what, addr) in config.listen.iter().map(|addr| ("listen", *addr)).chain(with_metrics) {
        match TcpListener::bind(addr).await {
            Ok(listener) => {
                held.push(listener);
                found.ok(what, format!("{addr} is free"));
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse && held.iter().any(|held| is_port(held, addr)) => {
                found.wrong(what, format!("{addr} is in use by another address of this list: [::] is 0.0.0.0, too"));
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse && is_a_relay(addr).await => {
                found.note(what, format!("{addr} is in use by a relay that runs: it may be this one"));
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                found.wrong(what, format!("{addr} is in use by another program: stop it, or choose another address"));
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied => found.wrong(
                what,
                format!(
                    "{addr} is not for everybody (ports below 1024): choose another, or give the service \
                     AmbientCapabilities=CAP_NET_BIND_SERVICE"
                ),
            ),
            Err(error) => found.wrong(
                what,
                format!("{addr} cannot be listened on ({}): give an address of this machine", plain(&error)),
            ),
        }
    }
}

fn is_port(listener: &TcpListener, addr: SocketAddr) -> bool {
    listener.local_addr().is_ok_and(|held| held.port() == addr.port())
}

/// Whether what listens there answers as relays do.
async fn is_a_relay(addr: SocketAddr) -> bool {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let asking = async {
        let mut stream = TcpStream::connect((ip, addr.port())).await.ok()?;
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n").await.ok()?;
        let mut answer = Vec::new();
        let read = stream.take(ANSWER_BYTES).read_to_end(&mut answer).await;
        read.ok().map(|_| String::from_utf8_lossy(&answer).to_ascii_lowercase())
    };
    let answer = tokio::time::timeout(ASK, asking).await.ok().flatten().unwrap_or_default();
    // With a certificate it says that, to who speaks plain HTTP.
    answer.contains("\r\nx-api-version:") || answer.contains("this address speaks https")
}

/// Looks at what links begin with.
pub(super) fn look_at_url(config: &Config, found: &mut Findings) {
    const WHAT: &str = "public_url";
    let url = config.own_url();
    let Some(set) = &config.public_url else {
        let first = config.listen.first().map(SocketAddr::ip);
        match first {
            Some(ip) if ip.is_unspecified() => found.wrong(
                WHAT,
                format!("it is not set, and links would begin with {url}, where nobody is: set it, like https://raids.example"),
            ),
            Some(ip) if ip.is_loopback() => {
                found.note(WHAT, format!("it is not set: links begin with {url}, which this machine alone can open"));
            }
            _ => found.note(WHAT, format!("it is not set: links begin with {url}")),
        }
        return;
    };
    let uri: Uri = set.parse().unwrap_or_default();
    let host = uri.host().unwrap_or_default();
    let is_https = uri.scheme_str() == Some("https");
    if !matches!(uri.path(), "" | "/") {
        found.note(
            WHAT,
            format!("{set} has a path, and the relay's pages ask at the root of their host: give it a host of its own"),
        );
    }
    if !is_https && !is_here(host) {
        found.note(
            WHAT,
            format!(
                "{set} is plain HTTP: whoever sits between reads passwords and keys, and browsers refuse the safe cookie \
                 of sign-ins. Set tls_certificate, or a proxy with TLS, and https:// here"
            ),
        );
    } else if is_https && config.tls.is_none() && config.trusted_proxies.is_empty() {
        found.note(
            WHAT,
            format!(
                "{set} needs a proxy that speaks HTTPS, and none is named: name it in trusted_proxies, or all visitors \
                 count as one address. Or set tls_certificate and tls_key"
            ),
        );
    } else {
        found.ok(WHAT, set.clone());
    }
}

/// Whether a host is this machine, to browsers, too.
fn is_here(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|ip| ip.is_loopback())
}
