//! What an answer or an error that gives no connection means.
//!
//! One law: one meaning for one error, and never the key.

use std::io;
use std::time::Duration;

use raidcast_shared::text::clean;
use rustls::CertificateError;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::{ProtocolError, TlsError, UrlError};
use tokio_tungstenite::tungstenite::http::{Response, StatusCode, Uri};

use super::outage::{Address, Certificate, Outage};

/// Words of somebody else's that are shown, characters.
const WORDS_MAX: usize = 300;
/// The longest wait that is believed of whoever answers in the relay's place: it may know nothing of the relay.
const PROXY_WAIT_MAX: Duration = Duration::from_mins(1);

/// Why a connection could not be opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoConnection {
    /// The relay itself says that it does not know the key, in its words.
    Unauthorized(String),
    /// The relay itself says that the key may not do this, in its words.
    Forbidden(String),
    /// Anything else, and how long to wait at least.
    Outage(Outage, Option<Duration>),
}

/// What it means that the connection to `uri` could not be opened.
pub(super) fn explain(error: &Error, uri: &Uri) -> NoConnection {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let outage = match error {
        Error::Http(response) => return answered(response, uri),
        // Whoever is spoken to in a way that it does not understand hangs up.
        Error::Io(error)
            if matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof) =>
        {
            Outage::HungUp { at: address(uri) }
        }
        other => lost(other, uri),
    };
    NoConnection::Outage(outage, None)
}

/// Whether what answered is no HTTP at all.
pub(super) fn is_no_http(error: &Error) -> bool {
    matches!(error, Error::Protocol(ProtocolError::HttparseError(_)))
}

fn is_tls(uri: &Uri) -> bool {
    matches!(uri.scheme_str(), Some("wss" | "https"))
}

/// Where an address leads.
pub(crate) fn address(uri: &Uri) -> Address {
    let tls = is_tls(uri);
    let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
    Address { host: uri.host().unwrap_or_default().to_owned(), port, tls }
}

/// An HTTP server is there, and does not open a WebSocket, or does not take a request as a relay does.
pub(crate) fn answered(response: &Response<Option<Vec<u8>>>, uri: &Uri) -> NoConnection {
    let at = address(uri);
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let body = response.body().as_deref().unwrap_or_default();
    let told = told(body);
    let wait_max = if told.is_some() { Duration::MAX } else { PROXY_WAIT_MAX };
    let status = response.status().as_u16();
    let outage = match (response.status(), told) {
        (StatusCode::UNAUTHORIZED, Some(text)) => return NoConnection::Unauthorized(text),
        (StatusCode::FORBIDDEN, Some(text)) => return NoConnection::Forbidden(text),
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::PROXY_AUTHENTICATION_REQUIRED, _) => {
            Outage::Proxy { at, status }
        }
        (StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED, _) => Outage::NoRelay { at, status },
        (code, _) if code.is_redirection() => {
            let to = header("location").map(|to| to.split('?').next().unwrap_or(to));
            // The relay may stand below a path of its own: that belongs to its address.
            let to = to.map(|to| clean(to.rfind("/api/v1/").map_or(to, |at| &to[..at]), WORDS_MAX));
            let to = to.map(|to| to.replacen("ws", "http", usize::from(to.starts_with("ws"))));
            Outage::Moved { at, to }
        }
        (_, Some(text)) => Outage::Said { text },
        (StatusCode::BAD_REQUEST, None) if !at.tls && mentions_tls(body) => Outage::SpeaksHttps,
        (StatusCode::TOO_MANY_REQUESTS, None) => Outage::Crowded { at },
        (StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT, None) => {
            Outage::BehindProxy { at, status }
        }
        (_, None) => Outage::Unexpected { at, status },
    };
    let at_least = header("retry-after").and_then(|value| value.parse().ok()).map(Duration::from_secs);
    NoConnection::Outage(outage, at_least.map(|wait: Duration| wait.min(wait_max)))
}

/// The message of a relay's error body.
fn told(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    body.get("code")?.as_str()?;
    Some(clean(body.get("message")?.as_str()?, WORDS_MAX))
}

fn mentions_tls(body: &[u8]) -> bool {
    let body = String::from_utf8_lossy(body).to_ascii_lowercase();
    body.contains("https") || body.contains("tls") || body.contains("ssl")
}

/// What it means that a connection did not come to be, or ended.
pub(super) fn lost(error: &Error, uri: &Uri) -> Outage {
    let at = address(uri);
    match error {
        Error::Io(error) => of_io(error, at),
        Error::Tls(TlsError::Rustls(error)) => of_tls(error, at),
        Error::Tls(other) => insecure(other, at),
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Outage::Cut,
        Error::Protocol(ProtocolError::HandshakeIncomplete) => Outage::HungUp { at },
        Error::Url(UrlError::UnableToConnect(_)) => Outage::NothingThere { at },
        Error::Protocol(_) => Outage::NotWebSocket { at },
        other => Outage::Failed { at, text: other.to_string() },
    }
}

/// What an error of the network means.
pub(crate) fn of_io(error: &io::Error, at: Address) -> Outage {
    // Some connectors wrap once more.
    if let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>()) {
        return of_io(inner, at);
    }
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return of_tls(error, at);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Outage::NotListening { at },
        io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Outage::Unreachable { at }
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => Outage::Cut,
        // The standard library has no kind for a name that is not known; only looking one up fails without a number.
        _ if error.raw_os_error().is_none() && error.to_string().contains("lookup") => {
            Outage::UnknownHost { host: at.host }
        }
        _ => Outage::Os { at, error: error.into() },
    }
}

fn of_tls(error: &rustls::Error, at: Address) -> Outage {
    match error {
        rustls::Error::InvalidMessage(_) => Outage::SpeaksHttp,
        rustls::Error::InvalidCertificate(why) => Outage::Certificate { at, why: of_certificate(why) },
        rustls::Error::AlertReceived(_) | rustls::Error::PeerIncompatible(_) => Outage::NoCommonTls { at },
        other => insecure(other, at),
    }
}

/// Whatever else keeps a connection from being secure; what it is is for who looks into the log.
fn insecure(error: &dyn std::error::Error, at: Address) -> Outage {
    tracing::debug!(%error, "no secure connection");
    Outage::Insecure { at }
}

fn of_certificate(why: &CertificateError) -> Certificate {
    use CertificateError as Why;
    match why {
        Why::Expired | Why::ExpiredContext { .. } => Certificate::Expired,
        Why::NotValidYet | Why::NotValidYetContext { .. } => Certificate::NotYetValid,
        Why::NotValidForName | Why::NotValidForNameContext { .. } => Certificate::OtherName,
        Why::Revoked => Certificate::Revoked,
        Why::UnknownIssuer => Certificate::UnknownAuthority,
        // What rustls has no word for it takes over from webpki, as text.
        Why::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => Certificate::OfAnAuthority,
        other => {
            tracing::debug!(error = ?other, "a certificate cannot be used");
            Certificate::Unusable
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTTP: &str = "ws://raid.example:8787/api/v1/uplink";

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> NoConnection {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let response = response.body(Some(body.as_bytes().to_vec())).unwrap();
        explain(&Error::Http(Box::new(response)), &HTTP.parse().unwrap())
    }

    #[test]
    fn each_answer_has_its_meaning() {
        let relay = r#"{"code":"unauthorized","message":"the key is not known"}"#;
        assert_eq!(answer(401, &[], relay), NoConnection::Unauthorized("the key is not known".into()));
        let lacks = r#"{"code":"forbidden","message":"it lacks the scope `upload`"}"#;
        assert_eq!(answer(403, &[], lacks), NoConnection::Forbidden("it lacks the scope `upload`".into()));
        let at = Address { host: "raid.example".into(), port: 8787, tls: false };
        for (status, headers, body, expected) in [
            (401, &[][..], "<html>log in</html>", Outage::Proxy { at: at.clone(), status: 401 }),
            (403, &[], "", Outage::Proxy { at: at.clone(), status: 403 }),
            (404, &[], "<h1>Not Found</h1>", Outage::NoRelay { at: at.clone(), status: 404 }),
            (502, &[], "<h1>Bad Gateway</h1>", Outage::BehindProxy { at: at.clone(), status: 502 }),
            (
                503,
                &[],
                r#"{"code":"busy","message":"too many requests"}"#,
                Outage::Said { text: "too many requests".into() },
            ),
            (
                301,
                &[("location", "https://raid.example/api/v1/uplink")],
                "",
                Outage::Moved { at: at.clone(), to: Some("https://raid.example".into()) },
            ),
            (
                308,
                &[("location", "https://raid.example/cast/api/v1/uplink?a=b")],
                "",
                Outage::Moved { at: at.clone(), to: Some("https://raid.example/cast".into()) },
            ),
            (
                302,
                &[("location", "https://raid.example/log-in")],
                "",
                Outage::Moved { at: at.clone(), to: Some("https://raid.example/log-in".into()) },
            ),
            (400, &[], "The plain HTTP request was sent to HTTPS port", Outage::SpeaksHttps),
            (200, &[], "hello", Outage::Unexpected { at: at.clone(), status: 200 }),
        ] {
            assert_eq!(answer(status, headers, body), NoConnection::Outage(expected, None), "{status}");
        }
        let busy = answer(503, &[("retry-after", "7")], "");
        let behind = Outage::BehindProxy { at, status: 503 };
        assert_eq!(busy, NoConnection::Outage(behind, Some(Duration::from_secs(7))));
    }

    #[test]
    fn a_proxy_is_believed_a_minute_and_a_relay_what_it_says() {
        let wait = |status, body| match answer(status, &[("retry-after", "3600")], body) {
            NoConnection::Outage(_, wait) => wait,
            other => panic!("{other:?}"),
        };
        for status in [429, 500, 503] {
            assert_eq!(wait(status, "<h1>later</h1>"), Some(PROXY_WAIT_MAX), "{status}");
            assert_eq!(wait(status, r#"{"code":"busy","message":"later"}"#), Some(Duration::from_hours(1)), "{status}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_told() {
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Webpki(&'static str);
        let at = Address { host: "raid.example".into(), port: 443, tls: true };
        let other = |words| CertificateError::Other(rustls::OtherError(std::sync::Arc::new(Webpki(words))));
        for (error, why) in [
            (CertificateError::Expired, Certificate::Expired),
            (CertificateError::NotValidYet, Certificate::NotYetValid),
            (CertificateError::NotValidForName, Certificate::OtherName),
            (CertificateError::UnknownIssuer, Certificate::UnknownAuthority),
            (other("CaUsedAsEndEntity"), Certificate::OfAnAuthority),
            (other("SomethingElse(3)"), Certificate::Unusable),
            (CertificateError::BadSignature, Certificate::Unusable),
        ] {
            let told = of_tls(&rustls::Error::InvalidCertificate(error), at.clone());
            assert_eq!(told, Outage::Certificate { at: at.clone(), why });
        }
        let told = of_tls(&rustls::Error::General("deep(inside)".into()), at.clone());
        assert_eq!(told, Outage::Insecure { at });
    }

    #[test]
    fn errors_of_the_network_have_their_meaning() {
        let uri: Uri = "wss://raid.example/api/v1/uplink".parse().unwrap();
        let at = Address { host: "raid.example".into(), port: 443, tls: true };
        let io = |kind| Error::Io(io::Error::from(kind));
        assert_eq!(lost(&io(io::ErrorKind::ConnectionRefused), &uri), Outage::NotListening { at: at.clone() });
        let message = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        let wrapped = Error::Io(io::Error::new(io::ErrorKind::InvalidData, message));
        assert_eq!(lost(&wrapped, &uri), Outage::SpeaksHttp);
        let lookup = Error::Io(io::Error::other("failed to lookup address information: Name or service not known"));
        assert_eq!(lost(&lookup, &uri), Outage::UnknownHost { host: "raid.example".into() });
        let eof = explain(&io(io::ErrorKind::UnexpectedEof), &uri);
        assert_eq!(eof, NoConnection::Outage(Outage::HungUp { at }, None));
    }
}
