//! Those who upload: all at once, and again when they are told to.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::time::Instant;

/// Bodies are packed as hard as the client does.
const ZSTD_LEVEL: i32 = 3;
/// So often one comes again.
const TRIES: usize = 20;

/// A request.
pub(crate) struct Post {
    pub(crate) key: String,
    pub(crate) from: Ipv4Addr,
    pub(crate) body: Bytes,
}

/// What came of some.
#[derive(Clone, Copy, Default)]
pub(crate) struct Posted {
    pub(crate) created: usize,
    pub(crate) again: usize,
    pub(crate) lost: usize,
    pub(crate) slowest_s: f64,
}

pub(crate) fn packed(json: &str) -> Bytes {
    zstd::bulk::compress(json.as_bytes(), ZSTD_LEVEL).expect("memory takes what is written").into()
}

/// Sends all at once. They stand for other people's machines: where they and the relay want the same core, the relay
/// goes first.
pub(crate) fn post_all(relay: SocketAddr, posts: Vec<Post>) -> Result<Posted> {
    let thread = std::thread::spawn(move || {
        rustix::process::setpriority_process(None, 19)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut all = tokio::task::JoinSet::new();
            for post in posts {
                all.spawn(async move { until_taken(relay, &post).await });
            }
            let mut sum = Posted::default();
            while let Some(done) = all.join_next().await {
                let (took_s, again, created) = done??;
                sum.slowest_s = sum.slowest_s.max(took_s);
                sum.again += again;
                sum.created += usize::from(created);
                sum.lost += usize::from(!created);
            }
            Ok(sum)
        })
    });
    thread.join().map_err(|_| anyhow::anyhow!("those who upload broke off"))?
}

/// How long it took, how often it was told to come again, and whether it was taken.
async fn until_taken(relay: SocketAddr, post: &Post) -> Result<(f64, usize, bool)> {
    let began = Instant::now();
    for again in 0..TRIES {
        let answer = send(relay, post).await?;
        match answer.get(9..12) {
            Some("201") => return Ok((began.elapsed().as_secs_f64(), again, answer.contains("\"ready\""))),
            Some("429" | "503") => {
                let head = answer.to_ascii_lowercase();
                let later = head.split("\r\nretry-after: ").nth(1).and_then(|rest| rest.split("\r\n").next());
                let later = later.and_then(|later| later.parse().ok()).with_context(|| answer.clone())?;
                tokio::time::sleep(Duration::from_secs(later)).await;
            }
            _ => {
                eprintln!("{answer}");
                return Ok((began.elapsed().as_secs_f64(), again, false));
            }
        }
    }
    Ok((began.elapsed().as_secs_f64(), TRIES, false))
}

async fn send(relay: SocketAddr, post: &Post) -> Result<String> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((post.from, 0).into())?;
    let mut stream = socket.connect(relay).await?;
    let head = format!(
        "POST /api/v1/encounters?visibility=public HTTP/1.1\r\nHost: relay\r\nX-API-Key: {}\r\n\
         Content-Type: application/json\r\nContent-Encoding: zstd\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        post.key,
        post.body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&post.body).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
