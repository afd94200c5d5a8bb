//! Sends to webhooks over HTTP: one connection each, made to an address that was looked at, with nothing followed.
//!
//! One invariant: a name leads to no machine of the relay's own network, unless an operator named it. So names are resolved
//! here, and what was resolved is what is connected to. What is said of a fault never has the address of a webhook.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_rustls::ConfigBuilderExt as _;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::ServerName;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use super::address::{WebhookAddress, WebhookHost};
use crate::limits::{WEBHOOK_ANSWER_BYTES_MAX, WEBHOOK_ANSWER_MS, WEBHOOK_WAIT_MS_MAX};

/// Addresses of a name that are tried.
const ADDRESSES_TRIED: usize = 3;
/// Each is waited for so long: one that never answers leaves time for the next.
const CONNECT_WAIT: Duration = Duration::from_millis(WEBHOOK_ANSWER_MS / 4);
/// Bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Where nothing says how long, ms.
const WAIT_MS: i64 = 5_000;

/// See the module's page.
pub(super) struct Web {
    tls: TlsConnector,
    /// What the relay calls itself.
    agent: String,
}

/// What was answered, whole.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    body: Bytes,
    /// Nothing may be sent before this has passed, ms.
    pub(super) wait_ms: Option<i64>,
    /// Whether that is so of all webhooks there.
    pub(super) is_for_all: bool,
}

/// A message, as far as it is read.
#[derive(Deserialize)]
struct Named {
    id: String,
}

/// What an error says of itself.
#[derive(Default, Deserialize)]
struct Refusal {
    code: Option<i64>,
    retry_after: Option<f64>,
    #[serde(default)]
    global: bool,
}

impl Reply {
    /// The id of the message that it is about.
    pub(super) fn message(&self) -> Option<String> {
        serde_json::from_slice(&self.body).ok().map(|Named { id }| id)
    }

    /// Discord's code of what is wrong; `None` where it is not Discord that says so, but something that stands before it.
    pub(super) fn code(&self) -> Option<i64> {
        serde_json::from_slice::<Refusal>(&self.body).unwrap_or_default().code
    }
}

impl Web {
    /// Of a relay whose links begin with this.
    pub(super) fn new(public_url: &str) -> Self {
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has what the default versions take")
            .with_webpki_roots()
            .with_no_client_auth();
        // As Discord wants to be told.
        let agent = format!("DiscordBot ({public_url}, {})", env!("CARGO_PKG_VERSION"));
        Self { tls: TlsConnector::from(Arc::new(config)), agent }
    }

    /// Sends something to a webhook, or to what stands below it.
    ///
    /// # Errors
    /// Why there is no answer, in words that tell no secret.
    pub(super) async fn send(
        &self,
        (method, address, below): (Method, &WebhookAddress, &str),
        body: Bytes,
    ) -> Result<Reply, String> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{below}", address.path()))
            .header(header::HOST, host_line(&address.server))
            .header(header::USER_AGENT, &self.agent)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONNECTION, "close")
            .body(Full::new(body))
            .map_err(|_| "what is to be sent cannot be written as a request".to_owned())?;
        let asked = tokio::time::timeout(Duration::from_millis(WEBHOOK_ANSWER_MS), self.ask(&address.server, request));
        let host = &address.server.host;
        match asked.await {
            Ok(answered) => answered.map_err(|why| format!("{host} {why}")),
            Err(_) => Err(format!("{host} does not answer in time")),
        }
    }

    async fn ask(&self, server: &WebhookHost, request: Request<Full<Bytes>>) -> Result<Reply, String> {
        let socket = connect(server).await?;
        if !server.is_https {
            return exchange(socket, request).await;
        }
        let name = tls_name(server).ok_or("has a name that TLS does not take")?;
        let sealed = self.tls.connect(name, socket).await.map_err(|error| format!("speaks no good TLS: {error}"))?;
        exchange(sealed, request).await
    }
}

/// By what its certificate must be.
fn tls_name(server: &WebhookHost) -> Option<ServerName<'static>> {
    ServerName::try_from(server.bare().to_owned()).ok()
}

fn host_line(server: &WebhookHost) -> String {
    let usual = if server.is_https { 443 } else { 80 };
    if server.port == usual { server.host.clone() } else { format!("{}:{}", server.host, server.port) }
}

/// A connection to a server: to an address that its name led to, and no other.
async fn connect(server: &WebhookHost) -> Result<TcpStream, String> {
    let found = tokio::net::lookup_host((server.bare(), server.port)).await;
    let found = found.map_err(|error| format!("is not found: {error}"))?;
    let good: Vec<SocketAddr> =
        found.filter(|addr| server.is_named || is_public(addr.ip())).take(ADDRESSES_TRIED).collect();
    if good.is_empty() {
        return Err("leads to no address of the internet".to_owned());
    }
    let mut why = String::new();
    for addr in good {
        match tokio::time::timeout(CONNECT_WAIT, TcpStream::connect(addr)).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(error)) => why = format!("cannot be reached: {error}"),
            Err(_) => "cannot be reached in time".clone_into(&mut why),
        }
    }
    Err(why)
}

/// Whether an address is one of the internet: none of this machine, of a network of one's own, or of no use.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_multicast()
                || ip.is_documentation()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (18..20).contains(&b)))
        }
        IpAddr::V6(ip) => {
            let [a, b, ..] = ip.segments();
            // What is given out, without what is for examples or has another address in it.
            a & 0xe000 == 0x2000 && a != 0x2002 && !(a == 0x2001 && (b == 0 || b == 0x0db8))
        }
    }
}

/// One request and its answer.
async fn exchange(
    socket: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Reply, String> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BYTES_MAX);
    let shaken = builder.handshake(TokioIo::new(socket)).await;
    let (mut sender, connection) = shaken.map_err(|error| format!("breaks off: {error}"))?;
    let _driving = AbortOnDropHandle::new(tokio::spawn(connection));
    let answer = sender.send_request(request).await.map_err(|error| format!("gives no answer: {error}"))?;
    let (head, body) = answer.into_parts();
    let body = Limited::new(body, WEBHOOK_ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|_| "breaks off in its answer, or answers far too much")?.to_bytes();
    let (wait_ms, is_for_all) = wait(head.status, &head.headers, &body);
    Ok(Reply { status: head.status, body, wait_ms, is_for_all })
}

/// How long nothing may be sent, ms, and whether that is so of all webhooks there.
fn wait(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> (Option<i64>, bool) {
    let told = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if status != StatusCode::TOO_MANY_REQUESTS {
        let is_used_up = told("x-ratelimit-remaining") == "0";
        let reset = told("x-ratelimit-reset-after").parse::<f64>().ok().filter(|_| is_used_up);
        return (reset.and_then(ms), false);
    }
    let refusal = serde_json::from_slice::<Refusal>(body).unwrap_or_default();
    let of_head = told("retry-after").parse::<f64>().ok().and_then(ms);
    let wait_ms = refusal.retry_after.and_then(ms).max(of_head);
    // What stands before Discord refuses addresses, and does not say so in Discord's words.
    let is_for_all = refusal.global || told("x-ratelimit-global") == "true" || refusal.retry_after.is_none();
    (Some(wait_ms.unwrap_or(WAIT_MS)), is_for_all)
}

/// Seconds with fractions, in ms.
fn ms(seconds: f64) -> Option<i64> {
    let is_time = seconds.is_finite() && seconds >= 0.0;
    is_time.then(|| ((seconds * 1_000.0).ceil() as i64).min(WEBHOOK_WAIT_MS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_ones_own_network_are_not_public() {
        for public in ["162.159.128.233", "8.8.8.8", "2606:4700::6810:1234", "2001:4860:4860::8888"] {
            assert!(is_public(public.parse().expect("an address")), "{public}");
        }
        for own in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "0.1.2.3",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "203.0.113.1",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2001:0:1::1",
            "2002:7f00:1::1",
        ] {
            assert!(!is_public(own.parse().expect("an address")), "{own}");
        }
    }

    #[test]
    fn a_server_that_is_named_by_an_address_is_asked_by_it_and_has_a_certificate_for_it() {
        for (named, host) in [
            ("https://[2606:4700::1]", "[2606:4700::1]"),
            ("https://[2606:4700::1]:8443", "[2606:4700::1]:8443"),
            ("https://9.9.9.9", "9.9.9.9"),
        ] {
            let server: WebhookHost = named.parse().expect("a server");
            assert_eq!(host_line(&server), host);
            assert!(matches!(tls_name(&server), Some(ServerName::IpAddress(_))), "{named}");
        }
        let server: WebhookHost = "https://chat.example".parse().expect("a server");
        assert!(matches!(tls_name(&server), Some(ServerName::DnsName(_))));
    }

    #[test]
    fn how_long_to_wait_is_the_longest_that_was_told() {
        let of = |status: u16, lines: &[(&'static str, &str)], body: &'static str| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.insert(*name, value.parse().expect("a value"));
            }
            wait(StatusCode::from_u16(status).expect("a status"), &headers, &Bytes::from_static(body.as_bytes()))
        };
        let left = [("x-ratelimit-remaining", "4"), ("x-ratelimit-reset-after", "1.5")];
        assert_eq!(of(200, &left, "{}"), (None, false));
        let used_up = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset-after", "1.2345")];
        assert_eq!(of(204, &used_up, ""), (Some(1_235), false));
        let told = r#"{"message": "You are being rate limited.", "retry_after": 0.25, "global": false}"#;
        assert_eq!(of(429, &[("retry-after", "1")], told), (Some(1_000), false));
        assert_eq!(of(429, &[], told), (Some(250), false));
        assert_eq!(of(429, &[("retry-after", "2"), ("x-ratelimit-global", "true")], told), (Some(2_000), true));
        assert_eq!(of(429, &[], r#"{"retry_after": 64.57, "global": true}"#), (Some(64_570), true));
        assert_eq!(of(429, &[("retry-after", "3600")], "<html>"), (Some(3_600_000), true));
        for nonsense in [r#"{"retry_after": -1}"#, r#"{"retry_after": "soon"}"#] {
            assert_eq!(of(429, &[], nonsense).0, Some(WAIT_MS), "{nonsense}");
        }
        assert_eq!(of(429, &[], r#"{"retry_after": 1e300}"#).0, Some(WEBHOOK_WAIT_MS_MAX));
    }
}
