//! What answers requests in the relay's place: it keeps each fight once, like the real one, and misbehaves when told to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::relay::News;

/// What a request is answered with.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A status, lines of the head, a body.
    Says(u16, Vec<&'static str>, &'static str),
    /// Nothing: the connection is closed.
    HangsUp,
    /// The fight is kept, and the connection is closed in the middle of the answer.
    BreaksOff,
    /// The fight is kept, and there is no answer.
    IsMute,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    /// Lower case.
    pub(crate) head: String,
    pub(crate) encounter: Value,
    pub(crate) at: Instant,
}

#[derive(Default)]
pub(crate) struct Held {
    pub(crate) asked: Vec<Asked>,
    /// What the next requests are answered with; then each fight is taken.
    pub(crate) replies: VecDeque<Reply>,
    /// What requests of the fights that began then are answered with, each time and at once.
    pub(crate) of_fight: BTreeMap<i64, Reply>,
    /// Whose fights, and when they began.
    pub(crate) fights: BTreeSet<(String, i64)>,
    /// So long each answer takes.
    pub(crate) slow: Duration,
    now: usize,
    /// The most requests at once so far.
    pub(crate) at_once: usize,
}

#[derive(Clone)]
pub(crate) struct Web {
    pub(crate) url: String,
    held: Arc<Mutex<Held>>,
    news: News,
}

impl Web {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let web = Self { url, held: Arc::default(), news: News::default() };
        let serving = web.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        web
    }

    pub(crate) fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap()
    }

    pub(crate) fn replies(&self, replies: impl IntoIterator<Item = Reply>) {
        self.held().replies = replies.into_iter().collect();
    }

    /// Waits until so many requests have come.
    pub(crate) async fn asked(&self, count: usize) {
        self.news.until(|| self.held().asked.len() >= count).await;
    }

    async fn serve(self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some(asked) = request(&mut stream).await {
            let encounter = &asked.encounter;
            let name = (encounter["localPlayerUid"].to_string(), encounter["startedAtMs"].as_i64().unwrap());
            let (reply, slow) = {
                let mut held = self.held();
                held.asked.push(asked);
                held.now += 1;
                held.at_once = held.at_once.max(held.now);
                match held.of_fight.get(&name.1).cloned() {
                    Some(reply) => (Some(reply), Duration::ZERO),
                    None => (held.replies.pop_front(), held.slow),
                }
            };
            if !slow.is_zero() {
                // It is slow: that is what the test asks of it.
                tokio::time::sleep(slow).await;
            }
            let (text, goes_on) = self.answer(reply, &name);
            self.held().now -= 1;
            self.news.tell();
            let Some(text) = text else { return std::future::pending().await };
            if stream.write_all(text.as_bytes()).await.is_err() || !goes_on {
                return;
            }
        }
    }

    /// What is written, if there is an answer at all, and whether the connection goes on.
    fn answer(&self, reply: Option<Reply>, name: &(String, i64)) -> (Option<String>, bool) {
        let written = |status: u16, lines: &[&str], body: &str| {
            let length = format!("Content-Length: {}", body.len());
            let lines = [lines, &[&length]].concat().join("\r\n");
            format!("HTTP/1.1 {status} Said\r\n{lines}\r\n\r\n{body}")
        };
        let taken = || {
            let status = if self.held().fights.insert(name.clone()) { 201 } else { 200 };
            let body = format!(
                r#"{{"encounterId":7,"reportId":"r{at}","reportUrl":"http://relay/reports/r{at}","createdAt":1,"state":"ready"}}"#,
                at = name.1
            );
            written(status, &["Content-Type: application/json"], &body)
        };
        match reply {
            None => (Some(taken()), true),
            Some(Reply::Says(status, lines, body)) => (Some(written(status, &lines, body)), true),
            Some(Reply::HangsUp) => (Some(String::new()), false),
            Some(Reply::BreaksOff) => {
                let whole = taken();
                (Some(whole[..whole.len() - 9].to_owned()), false)
            }
            Some(Reply::IsMute) => {
                taken();
                (None, true)
            }
        }
    }
}

/// The next request of a connection, if there is one.
async fn request(stream: &mut BufReader<TcpStream>) -> Option<Asked> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head += &line;
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let json = zstd::decode_all(&body[..]).unwrap();
    Some(Asked {
        path: head.split(' ').nth(1).unwrap().to_owned(),
        head: head.to_lowercase(),
        encounter: serde_json::from_slice(&json).unwrap(),
        at: Instant::now(),
    })
}
