//! The little HTTP that the tests speak: one request a connection, whole answers.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

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

/// Asks, and waits so long for the answer; `None`: nobody answers.
pub(crate) async fn ask(
    port: u16,
    method: &str,
    path: &str,
    headers: &str,
    body: Option<&Value>,
    limit: Duration,
) -> Option<Answer> {
    let body = body.map(Value::to_string).unwrap_or_default();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n{kind}{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    let asking = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        stream.write_all(head.as_bytes()).await.ok()?;
        stream.write_all(body.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, text) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Answer { status, head: head.to_owned(), text: text.to_owned() })
    };
    tokio::time::timeout(limit, asking).await.ok()?
}

/// Fetches a page.
pub(crate) async fn get(port: u16, path: &str) -> Option<Answer> {
    ask(port, "GET", path, "", None, Duration::from_secs(20)).await
}

/// A port that nobody listens at now.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
