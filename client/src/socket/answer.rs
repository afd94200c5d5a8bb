//! What an address that gives no connection is told as: what happened, and what to do.
//!
//! One law: one message for one error, and never the key.

use std::io;
use std::time::Duration;

use raidcast_shared::text::clean;
use rustls::CertificateError;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::{ProtocolError, TlsError, UrlError};
use tokio_tungstenite::tungstenite::http::{Response, StatusCode, Uri};

/// Words of somebody else's that are shown, characters.
const WORDS_MAX: usize = 300;

/// Why there is no connection.
pub(super) struct NoConnection {
    pub(super) why: String,
    /// The relay itself says that it does not know the key.
    pub(super) unauthorized: bool,
    pub(super) at_least: Option<Duration>,
}

impl NoConnection {
    fn because(why: String) -> Self {
        Self { why, unauthorized: false, at_least: None }
    }
}

/// What it means that the connection to `uri` could not be opened.
pub(super) fn explain(error: &Error, uri: &Uri) -> NoConnection {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error {
        Error::Http(response) => answered(response, uri),
        // Whoever is spoken to in a way that it does not understand hangs up.
        Error::Io(error)
            if matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof) =>
        {
            NoConnection::because(format!("{} hung up without an answer.{}", place(uri), hint(uri)))
        }
        other => NoConnection::because(lost(other, uri)),
    }
}

fn is_tls(uri: &Uri) -> bool {
    uri.scheme_str() == Some("wss")
}

/// Host and port, as the user knows them.
fn place(uri: &Uri) -> String {
    let port = uri.port_u16().unwrap_or(if is_tls(uri) { 443 } else { 80 });
    format!("{}:{port}", uri.host().unwrap_or_default())
}

/// An HTTP server is there, and does not open a WebSocket.
fn answered(response: &Response<Option<Vec<u8>>>, uri: &Uri) -> NoConnection {
    let place = place(uri);
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let body = response.body().as_deref().unwrap_or_default();
    let told = told(body);
    let status = response.status();
    let why = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if told.is_some() => {
            return NoConnection { why: told.unwrap_or_default(), unauthorized: true, at_least: None };
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            format!("A proxy at {place} does not let raidcast through ({status}). Ask the relay's operator.")
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            format!("There is no Raidcast relay at {place}. Check the relay's address.")
        }
        status if status.is_redirection() => {
            let to = header("location").map(|to| clean(to.trim_end_matches("/api/v1/uplink"), WORDS_MAX));
            let to = to.map_or_else(
                || "another address".to_owned(),
                |to| to.replacen("ws", "http", usize::from(to.starts_with("ws"))),
            );
            format!("{place} sends everybody on to {to}. Use that as the relay's address.")
        }
        StatusCode::BAD_REQUEST if !is_tls(uri) && told.is_none() && mentions_tls(body) => {
            "This relay speaks https, not http: use https://…".to_owned()
        }
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT if told.is_none() => {
            format!("A proxy at {place} answers, but not the relay behind it ({status}). It may be starting.")
        }
        status => told.unwrap_or_else(|| {
            format!("{place} answers {status}, as no Raidcast relay does. Check the relay's address.")
        }),
    };
    let at_least = header("retry-after").and_then(|value| value.parse().ok()).map(Duration::from_secs);
    NoConnection { at_least, ..NoConnection::because(why) }
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
pub(super) fn lost(error: &Error, uri: &Uri) -> String {
    let place = place(uri);
    match error {
        Error::Io(error) => io_words(error, uri),
        Error::Tls(error) => tls_words(error, uri),
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => "The connection was cut.".to_owned(),
        Error::Protocol(ProtocolError::HandshakeIncomplete) => {
            format!("{place} hung up without an answer.{}", hint(uri))
        }
        Error::Protocol(ProtocolError::HttparseError(_)) if !is_tls(uri) => {
            "This relay speaks https, not http: use https://…".to_owned()
        }
        Error::Url(UrlError::UnableToConnect(_)) => {
            format!("Nothing answers at {place}. Check the relay's address and port.")
        }
        Error::Protocol(_) => format!("What answers at {place} is no Raidcast relay. Check the relay's address."),
        other => format!("The connection to {place} failed: {other}"),
    }
}

fn hint(uri: &Uri) -> &'static str {
    if is_tls(uri) { " If it speaks http, use http://…" } else { " If it speaks https, use https://…" }
}

fn io_words(error: &io::Error, uri: &Uri) -> String {
    let place = place(uri);
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return rustls_words(error, uri);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!("Nothing answers at {place}. Is the relay running? Check its address and port.")
        }
        io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            format!("{place} cannot be reached. Check the network and the relay's address.")
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            "The connection was cut.".to_owned()
        }
        // The standard library has no kind for a name that is not known; only looking one up fails without a number.
        _ if error.raw_os_error().is_none() && error.to_string().contains("lookup") => {
            format!(
                "No computer called {} is known. Check the relay's address and the network.",
                uri.host().unwrap_or_default()
            )
        }
        _ => format!("The connection to {place} failed: {error}"),
    }
}

fn tls_words(error: &TlsError, uri: &Uri) -> String {
    match error {
        TlsError::Rustls(error) => rustls_words(error, uri),
        other => insecure(other, uri),
    }
}

/// Whatever else keeps a connection from being secure; what it is is for who looks into the log.
fn insecure(error: &dyn std::error::Error, uri: &Uri) -> String {
    tracing::debug!(%error, "no secure connection");
    format!(
        "No secure connection to {} is possible. Check the relay's address, or tell the relay's operator.",
        place(uri)
    )
}

/// What the client trusts.
const AUTHORITIES: &str = "The certificate must come from a public authority, like Let's Encrypt.";

fn certificate_words(why: &CertificateError, place: &str) -> String {
    use CertificateError as Why;
    match why {
        Why::Expired | Why::ExpiredContext { .. } => {
            format!("The certificate of {place} has expired. Check this computer's date, or tell the relay's operator.")
        }
        Why::NotValidYet | Why::NotValidYetContext { .. } => format!(
            "The certificate of {place} is not valid yet. Check this computer's date, or tell the relay's operator."
        ),
        Why::NotValidForName | Why::NotValidForNameContext { .. } => format!(
            "The certificate of {place} is for another name. Check the relay's address, or tell the relay's operator."
        ),
        Why::Revoked => format!("The certificate of {place} was withdrawn. Tell the relay's operator."),
        Why::UnknownIssuer => format!(
            "The certificate of {place} comes from an authority that is not known. {AUTHORITIES} Tell the relay's operator."
        ),
        // What rustls has no word for it takes over from webpki, as text.
        Why::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => format!(
            "The certificate of {place} is one of an authority, not one of a server. {AUTHORITIES} Tell the relay's \
             operator."
        ),
        other => {
            tracing::debug!(error = ?other, "a certificate cannot be used");
            format!("The certificate of {place} cannot be used. {AUTHORITIES} Tell the relay's operator.")
        }
    }
}

fn rustls_words(error: &rustls::Error, uri: &Uri) -> String {
    let place = place(uri);
    match error {
        rustls::Error::InvalidMessage(_) => "This relay speaks http, not https: use http://…".to_owned(),
        rustls::Error::InvalidCertificate(why) => certificate_words(why, &place),
        rustls::Error::AlertReceived(_) | rustls::Error::PeerIncompatible(_) => format!(
            "{place} does not agree to a secure connection as raidcast needs it (TLS 1.2 or 1.3). Check the relay's \
             address, or tell the relay's operator."
        ),
        other => insecure(other, uri),
    }
}

/// Why a server that listens gave no connection in time.
pub(super) fn silent(seconds: u64, uri: &Uri) -> String {
    format!("{} gave no answer for {seconds} s. Check the relay's address.{}", place(uri), hint(uri))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(status: u16, headers: &[(&str, &str)], body: &str, uri: &str) -> (String, bool) {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let response = response.body(Some(body.as_bytes().to_vec())).unwrap();
        let told = explain(&Error::Http(Box::new(response)), &uri.parse().unwrap());
        (told.why, told.unauthorized)
    }

    #[test]
    fn each_answer_says_what_to_do() {
        let http = "ws://raid.example:8787/api/v1/uplink";
        let relay = r#"{"code":"unauthorized","message":"the key is not known"}"#;
        assert!(why(401, &[], relay, http).1);
        for (status, headers, body, words) in [
            (401, &[][..], "<html>log in</html>", "does not let raidcast through"),
            (403, &[], "", "does not let raidcast through"),
            (404, &[], "<h1>Not Found</h1>", "no Raidcast relay at raid.example:8787"),
            (502, &[], "<h1>Bad Gateway</h1>", "not the relay behind it"),
            (503, &[], r#"{"code":"busy","message":"too many requests"}"#, "too many requests"),
            (301, &[("location", "https://raid.example/api/v1/uplink")], "", "on to https://raid.example."),
            (400, &[], "The plain HTTP request was sent to HTTPS port", "use https://"),
            (200, &[], "hello", "as no Raidcast relay does"),
        ] {
            let (told, unauthorized) = why(status, headers, body, http);
            assert!(told.contains(words) && !unauthorized, "{status}: {told}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_told_in_words() {
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Webpki(&'static str);
        let uri: Uri = "wss://raid.example/api/v1/uplink".parse().unwrap();
        let other = |words| CertificateError::Other(rustls::OtherError(std::sync::Arc::new(Webpki(words))));
        for (why, words) in [
            (CertificateError::Expired, "has expired. Check this computer's date"),
            (CertificateError::NotValidYet, "is not valid yet"),
            (CertificateError::NotValidForName, "is for another name. Check the relay's address"),
            (CertificateError::UnknownIssuer, "like Let's Encrypt."),
            (other("CaUsedAsEndEntity"), "is one of an authority, not one of a server"),
            (other("SomethingElse(3)"), "cannot be used. The certificate must come from a public authority"),
            (CertificateError::BadSignature, "cannot be used"),
        ] {
            let told = rustls_words(&rustls::Error::InvalidCertificate(why.clone()), &uri);
            assert!(told.contains(words) && told.starts_with("The certificate of raid.example:443 "), "{told}");
            assert!(!told.contains("Other") && !told.contains("SomethingElse"), "{told}");
        }
        let told = rustls_words(&rustls::Error::General("deep(inside)".into()), &uri);
        assert!(told.contains("No secure connection") && !told.contains("deep"), "{told}");
    }

    #[test]
    fn errors_of_the_network_are_told_in_words() {
        let uri: Uri = "wss://raid.example/api/v1/uplink".parse().unwrap();
        let io = |kind| Error::Io(io::Error::from(kind));
        assert!(lost(&io(io::ErrorKind::ConnectionRefused), &uri).contains("Nothing answers at raid.example:443"));
        let message = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        let wrapped = Error::Io(io::Error::new(io::ErrorKind::InvalidData, message));
        assert_eq!(lost(&wrapped, &uri), "This relay speaks http, not https: use http://…");
        let lookup = Error::Io(io::Error::other("failed to lookup address information: Name or service not known"));
        assert!(lost(&lookup, &uri).contains("No computer called raid.example"), "{}", lost(&lookup, &uri));
        let eof = explain(&io(io::ErrorKind::UnexpectedEof), &uri).why;
        assert!(eof.contains("hung up without an answer. If it speaks http, use http://"), "{eof}");
    }
}
