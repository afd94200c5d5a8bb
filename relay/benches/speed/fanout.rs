//! Fan-out: a relay's processor time for each message, beside a bare loop of writes in a process of its own.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use raidcast_meterkit::Script;
use raidcast_shared::feed::{FeedRequest, SUBPROTOCOL};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, sleep};

use crate::fight::{Streamed, Uplink, streamed};
use crate::spread;
use crate::store::key;

#[derive(Args)]
pub(crate) struct Options {
    /// So many spectators
    #[arg(long, default_value_t = 1_000)]
    spectators: usize,
    /// How long each run measures, seconds
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Pairs of runs
    #[arg(long, default_value_t = 5)]
    pairs: usize,
}

#[derive(Args)]
pub(crate) struct Floor {
    #[arg(long)]
    spectators: usize,
    #[arg(long)]
    bytes: usize,
    #[arg(long)]
    ticks: u64,
}

/// So many come and go before memory is measured.
const FIRST: usize = 100;

/// The yardstick: one thread, one write of a ready frame to every socket, ten times a second.
pub(crate) fn floor(options: &Floor) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    let mut sockets = Vec::new();
    for _ in 0..options.spectators {
        let (socket, _) = listener.accept()?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        sockets.push(socket);
    }
    let frame = vec![7; options.bytes];
    for _ in 0..options.ticks {
        for socket in &mut sockets {
            // A reader that is late loses the frame, as at the relay.
            let _ = socket.write(&frame);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    // Readers hang up when they have enough.
    for socket in &mut sockets {
        socket.set_nonblocking(false)?;
        let _ = socket.read(&mut [0; 1]);
    }
    Ok(())
}

/// A process that ends with its value.
pub(crate) struct Server(pub(crate) Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Processor time that a process has taken, seconds.
fn cpu_s(pid: u32) -> f64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let ns = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("schedstat")).ok());
    ns.filter_map(|stat| stat.split(' ').next()?.parse::<f64>().ok()).sum::<f64>() / 1e9
}

/// Resident memory of a process, KiB.
fn resident_kib(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0.0)
}

/// What a run gave.
#[derive(Clone, Copy, Default)]
struct Run {
    messages: u64,
    bytes: u64,
    cpu_s: f64,
    idle_kib: f64,
}

impl Run {
    fn us_a_message(&self) -> f64 {
        self.cpu_s * 1e6 / self.messages as f64
    }
}

/// Joins and counts what is written to each: every read is one write of the server, which comes at most ten times a
/// second.
///
/// One after another, each when the one before it has its answer: how spectators come.
async fn crowd(addr: &str, feed: Option<&str>, spectators: usize) -> Result<Vec<tokio::net::TcpStream>> {
    let mut sockets = Vec::new();
    for _ in 0..spectators {
        let mut socket = tokio::net::TcpStream::connect(addr).await?;
        socket.set_nodelay(true)?;
        if let Some(path) = feed {
            let ask = format!(
                "GET {path} HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
                 Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
            );
            socket.write_all(ask.as_bytes()).await?;
            if socket.read(&mut [0; 4096]).await? == 0 {
                bail!("the relay hung up on a spectator");
            }
            let pace = raidcast_shared::codec::encode(&FeedRequest::Pace { ticks: 10 });
            // Masked with zeros, as a client's frames have to be.
            let mut frame = vec![0x82, 0x80 | pace.len() as u8, 0, 0, 0, 0];
            frame.extend_from_slice(&pace);
            socket.write_all(&frame).await?;
        }
        sockets.push(socket);
    }
    Ok(sockets)
}

/// Reads from all sockets for a while.
async fn listen(
    sockets: Vec<tokio::net::TcpStream>,
    seconds: u64,
    server: u32,
) -> Result<(Run, Vec<tokio::net::TcpStream>)> {
    let end = Instant::now() + Duration::from_secs(seconds);
    let before = cpu_s(server);
    let readers: Vec<_> = sockets
        .into_iter()
        .map(|mut socket| {
            tokio::spawn(async move {
                let (mut messages, mut bytes) = (0, 0);
                let mut buffer = vec![0; 64 * 1024];
                while let Ok(Ok(read)) = tokio::time::timeout_at(end, socket.read(&mut buffer)).await {
                    if read == 0 {
                        break;
                    }
                    messages += 1;
                    bytes += read as u64;
                }
                (messages, bytes, socket)
            })
        })
        .collect();
    tokio::time::sleep_until(end).await;
    let mut run = Run { cpu_s: cpu_s(server) - before, ..Run::default() };
    let mut sockets = Vec::new();
    for reader in readers {
        let (messages, bytes, socket) = reader.await?;
        run.messages += messages;
        run.bytes += bytes;
        sockets.push(socket);
    }
    Ok((run, sockets))
}

async fn of_floor(options: &Options, bytes: usize) -> Result<Run> {
    let ticks = options.seconds * 10 + 40;
    let child = Command::new(std::env::current_exe()?)
        .args(["floor", "--spectators", &options.spectators.to_string()])
        .args(["--bytes", &bytes.to_string(), "--ticks", &ticks.to_string()])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut server = Server(child);
    let addr = first_line(&mut server)?;
    let sockets = crowd(addr.trim(), None, options.spectators).await?;
    sleep(Duration::from_secs(1)).await;
    Ok(listen(sockets, options.seconds, server.0.id()).await?.0)
}

async fn of_relay(options: &Options, fight: &Streamed, spectators: usize) -> Result<Run> {
    let folder = tempfile::tempdir()?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let child = Command::new(Path::new(env!("CARGO_BIN_EXE_raidcast-relay")))
        .args(["--listen", &format!("127.0.0.1:{port}"), "--data"])
        .arg(folder.path())
        // All spectators come from here.
        .args(["--connections-per-address", "100000"])
        .env("RAIDCAST_UPLOAD_KEY", key())
        .env("RUST_LOG", "error")
        .stdout(Stdio::piped())
        .spawn()?;
    let mut server = Server(child);
    first_line(&mut server)?;
    let pid = server.0.id();
    let mut uplink = Uplink::connect(&format!("http://127.0.0.1:{port}"), key(), 1).await?;
    let begun = uplink.begin(&fight.header, 1).await?;
    uplink.deltas(begun.h, &fight.deltas[..100]).await?;
    let path = format!("/api/v1/raids/{}/feed", uplink.raid);
    let addr = format!("127.0.0.1:{port}");
    // What the first ones cost is the relay's own: database readers, threads.
    drop(crowd(&addr, Some(&path), FIRST).await?);
    sleep(Duration::from_secs(1)).await;
    let empty = resident_kib(pid);
    let sockets = crowd(&addr, Some(&path), spectators).await?;
    sleep(Duration::from_secs(2)).await;
    let idle_kib = (resident_kib(pid) - empty) / spectators.max(1) as f64;
    let deltas = fight.deltas[100..].to_vec();
    let playing = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        for delta in deltas {
            ticks.tick().await;
            uplink.deltas(begun.h, &[delta]).await?;
        }
        anyhow::Ok(())
    });
    sleep(Duration::from_millis(700)).await;
    let (run, _sockets) = listen(sockets, options.seconds, pid).await?;
    if playing.is_finished() {
        bail!("the fight was over too soon");
    }
    playing.abort();
    Ok(Run { idle_kib, ..run })
}

/// What it says first, which is when it listens.
pub(crate) fn first_line(server: &mut Server) -> Result<String> {
    let mut stdout = std::io::BufReader::new(server.0.stdout.as_mut().context("no output")?);
    let mut line = String::new();
    std::io::BufRead::read_line(&mut stdout, &mut line)?;
    Ok(line)
}

pub(crate) async fn measure(options: &Options) -> Result<()> {
    let fight = streamed(&Script::raid(1).fight()).await?;
    let (mut ratios, mut relays, mut floors, mut idle) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut bytes = 0;
    for _ in 0..options.pairs {
        // What one spectator costs is the raid itself: uplink, journal, fold, encoding.
        let raid = of_relay(options, &fight, 1).await?;
        let relay = of_relay(options, &fight, options.spectators).await?;
        bytes = (relay.bytes / relay.messages.max(1)) as usize;
        let floor = of_floor(options, bytes).await?;
        let messages = relay.messages - raid.messages;
        let a_message = (relay.cpu_s - raid.cpu_s) * 1e6 / messages as f64;
        ratios.push(a_message / floor.us_a_message());
        relays.push(a_message);
        floors.push(floor.us_a_message());
        idle.push(relay.idle_kib);
    }
    println!("{} spectators, ten ticks a second, {bytes} bytes a message, {} pairs", options.spectators, options.pairs);
    println!("  µs of processor a message    median   (least to most)");
    let show = |what: &str, runs: Vec<f64>| {
        let (median, least, most) = spread(runs);
        println!("  {what:<28} {median:6.2}   ({least:.2} to {most:.2})");
    };
    show("relay", relays);
    show("a bare loop of writes", floors);
    show("ratio", ratios);
    show("KiB an idle spectator", idle);
    Ok(())
}
