//! HTTP by hand: from any address of the loopback, whole or not.

use std::net::Ipv4Addr;

use raidcast_relay::jobs::LEASE_MS;
use raidcast_store::JobKind;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::script::{TestRelay, soon};

/// An answer, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }

    /// All of it but what every answer has of its own: when it was given, and to which request.
    pub(crate) fn plain(&self) -> (Vec<&str>, &str) {
        let is_own = |line: &&str| line.starts_with("date:") || line.starts_with("x-request-id:");
        (self.head.lines().filter(|line| !is_own(line)).collect(), &self.body)
    }

    /// The code of an error, which has the shape that all have.
    pub(crate) fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"));
        let entries = body.as_object().unwrap_or_else(|| panic!("no error: {self:?}"));
        assert!(entries.keys().all(|key| ["code", "message", "details"].contains(&key.as_str())), "{self:?}");
        assert!(body["message"].as_str().is_some_and(|message| message.len() > 10), "a text that helps: {self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        body["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Other people, as far as the relay can tell.
pub(crate) const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;
pub(crate) const THERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A connection from an address of the loopback.
pub(crate) async fn connect(addr: &str, from: Ipv4Addr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    soon("connecting", socket.connect(addr.parse().unwrap())).await.unwrap()
}

/// All that comes until the other end closes.
pub(crate) async fn to_the_end(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = soon("the connection's end", stream.read_to_end(&mut all)).await;
    all
}

/// One request on a connection of its own: method and path, and lines of its head.
pub(crate) async fn ask_from(relay: &TestRelay, from: Ipv4Addr, request: &str, lines: &[&str]) -> Answer {
    let mut stream = connect(relay.url.trim_start_matches("http://"), from).await;
    let lines = lines.iter().fold(String::new(), |all, line| all + line + "\r\n");
    let head = format!("{request} HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n{lines}\r\n");
    let _ = stream.write_all(head.as_bytes()).await;
    Answer::of(&to_the_end(&mut stream).await)
}

pub(crate) async fn ask(relay: &TestRelay, request: &str, lines: &[&str]) -> Answer {
    ask_from(relay, HERE, request, lines).await
}

/// A request on a connection that stays open, and the head of its answer.
pub(crate) async fn stay(stream: &mut TcpStream, request: &str, lines: &[&str]) -> Answer {
    let lines = lines.iter().fold(String::new(), |all, line| all + line + "\r\n");
    let head = format!("{request} HTTP/1.1\r\nHost: relay\r\n{lines}\r\n");
    let _ = stream.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut byte = [0];
        match soon("an answer", stream.read(&mut byte)).await {
            Ok(1) => answer.push(byte[0]),
            _ => break,
        }
    }
    Answer::of(&answer)
}

/// What makes a request one for a WebSocket.
pub(crate) const UPGRADE: [&str; 4] = [
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

/// Waits until something is so, which the relay or another process does by itself: no message tells of it.
pub(crate) async fn becomes(what: &str, is_so: impl AsyncFn() -> bool) {
    soon(what, async {
        while !is_so().await {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
}

/// Waits until the first job of a kind is put off: it is done with for now, and its time is written down.
pub(crate) async fn is_put_off(relay: &TestRelay, kind: JobKind) {
    becomes("it to be put off", async || {
        let due_at_ms = relay.store.jobs(kind).await.unwrap().due_at_ms;
        let after_ms = due_at_ms.map_or(0, |due_at_ms| due_at_ms - relay.clock()());
        // Whoever is at it has it for longer.
        (1..LEASE_MS / 2).contains(&after_ms)
    })
    .await;
}
