//! The little HTTP that the tests speak: one request a connection, whole answers.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use raidcast::trust::Trust;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

/// Where somebody is asked: a port of this machine, and whether it speaks HTTPS.
#[derive(Clone, Copy)]
pub(crate) struct Door {
    pub(crate) port: u16,
    pub(crate) tls: bool,
}

/// A file of the relay's tests.
pub(crate) fn key_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../relay/tests/keys").join(name)
}

/// Asks over HTTP, and waits so long for the answer; `None`: nobody answers.
pub(crate) async fn ask(
    port: u16,
    method: &str,
    path: &str,
    headers: &str,
    body: Option<&Value>,
    limit: Duration,
) -> Option<Answer> {
    ask_at(Door { port, tls: false }, method, path, headers, body, limit).await
}

/// The same at any door.
pub(crate) async fn ask_at(
    door: Door,
    method: &str,
    path: &str,
    headers: &str,
    body: Option<&Value>,
    limit: Duration,
) -> Option<Answer> {
    let Door { port, tls } = door;
    let body = body.map(Value::to_string).unwrap_or_default();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n{kind}{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    let said = head + &body;
    let asking = async {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        if !tls {
            return converse(stream, &said).await;
        }
        let trust = Trust::also(&key_file("tls-authority.pem")).unwrap();
        let connector = TlsConnector::from(Arc::new(trust.client_config()));
        converse(connector.connect(ServerName::try_from("127.0.0.1").unwrap(), stream).await.ok()?, &said).await
    };
    tokio::time::timeout(limit, asking).await.ok()?
}

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, said: &str) -> Option<Answer> {
    stream.write_all(said.as_bytes()).await.ok()?;
    stream.flush().await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, text) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), text: text.to_owned() })
}

/// A port that nobody listens at now.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
