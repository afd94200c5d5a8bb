//! `cargo xtask bench bytes`: what a hit costs on the uplink and in the store.
//!
//! Whole fights of 20 players and six minutes go from a meter database through the real client and the real relay.
//! Between the two stands a proxy that keeps what the client sends. At true speed, the default, this takes the six
//! minutes: faster, deltas hold more hits and each hit costs less than it would in play.

use std::collections::HashMap;
use std::hash::Hash;
use std::io::{Cursor, Read, Write};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use futures::future::join_all;
use raidcast::uploader::{self, Change};
use raidcast_meterkit::{Generation, MeterWriter, Script, write_live};
use raidcast_relay::clock::{Clock, Entropy};
use raidcast_relay::config::{Config, KeySetting};
use raidcast_relay::limits::EdgeLimits;
use raidcast_relay::serve::Relay;
use raidcast_relay::telemetry::LogFormat;
use raidcast_shared::codec;
use raidcast_shared::event::{Hit, TimedHit};
use raidcast_shared::limits;
use raidcast_shared::log::Log;
use raidcast_shared::uplink::{ReportState, UplinkFrame};
use raidcast_store::{Reports as _, Upkeep as _};
use raidcast_store_sqlite::SqliteStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocket};
use tokio_util::sync::CancellationToken;

/// A hit as JSON of the original format, bytes.
const JSON_BYTES: f64 = 103.0;
/// Longer than any of these fights: nothing is waited for beyond it.
const PATIENCE: Duration = Duration::from_mins(20);
/// What the client may tell before anybody listens; more is left out.
const CHANGES: usize = 16_384;

/// Bytes a hit costs on the uplink and in the store.
#[derive(Clone, Parser)]
struct Cli {
    /// So many times as fast as a real fight; above 1 the figures are too good
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    speed: f64,
    /// Leave out databases that lie beside the workspace
    #[arg(long)]
    script_only: bool,
    /// Cargo says so
    #[arg(long, hide = true)]
    bench: bool,
}

/// Where a fight comes from.
#[derive(Clone)]
enum Meter {
    Script,
    Replay { tool: PathBuf, database: PathBuf },
}

impl Meter {
    fn name(&self) -> String {
        match self {
            Self::Script => "scripted fight".into(),
            Self::Replay { database, .. } => database.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }

    /// Writes the fight into `db` as it would happen.
    async fn write(self, db: PathBuf, speed: f64) -> Result<()> {
        match self {
            Self::Script => {
                let fight = Script { started_at_ms: Clock::system().now_ms(), ..Script::raid(1) }.fight();
                let mut writer = MeterWriter::open(&db, Generation::Aggregate).await?;
                write_live(&mut writer, &fight, speed).await?;
                Ok(writer.close().await?)
            }
            Self::Replay { tool, database } => {
                let mut replay = Command::new("python3");
                replay.arg(tool).arg(database).arg(db).args(["--now", "--gap", "0", "--speed", &speed.to_string()]);
                let status = tokio::task::spawn_blocking(move || replay.status()).await??;
                if status.success() { Ok(()) } else { bail!("the replay ended with {status}") }
            }
        }
    }
}

/// What a fight cost, bytes.
struct Figures {
    hits: usize,
    deltas: usize,
    frames: usize,
    all_in: usize,
    columns: usize,
    log: usize,
    record: usize,
    database: u64,
    /// Of all hits, see [`entropy_bits`].
    entropy_bits: f64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let mut meters = vec![Meter::Script];
    let beside = raidcast_meterkit::beside();
    let (tool, database) = (beside.join("tools/replay_meter.py"), beside.join("meters/aggregate-20p-6min.db"));
    let python = Command::new("python3").arg("--version").output().is_ok();
    if !cli.script_only && python && tool.exists() && database.exists() {
        meters.push(Meter::Replay { tool, database });
    }
    println!("{} fights of six minutes at {} times their speed, side by side", meters.len(), cli.speed);
    let runs = meters.into_iter().map(async |meter| (meter.name(), timeout(PATIENCE, measure(meter, cli.speed)).await));
    for (name, run) in join_all(runs).await {
        let figures = run.with_context(|| format!("{name} took too long"))?;
        show(&name, &figures.with_context(|| format!("could not measure the {name}"))?);
    }
    Ok(())
}

fn show(name: &str, figures: &Figures) {
    let Figures { hits, deltas, frames, .. } = figures;
    let per_hit = |bytes: usize| bytes as f64 / *hits as f64;
    let database = figures.database as f64 / *hits as f64;
    println!("\n{name}: {hits} hits and heals in {deltas} deltas, {frames} frames");
    println!("  bytes a hit                  measured   yardstick");
    println!(
        "  uplink, all the client sends {:8.2}   {JSON_BYTES:.0} as JSON of the original format",
        per_hit(figures.all_in)
    );
    println!("  uplink, columns alone        {:8.2}", per_hit(figures.columns));
    println!(
        "  store, log and record        {:8.2}   {:.2} order-0 entropy of the columns",
        per_hit(figures.log + figures.record),
        figures.entropy_bits / 8.0 / *hits as f64
    );
    println!("  store, log alone             {:8.2}", per_hit(figures.log));
    println!("  store, database has grown by {database:8.2}   with the pages that the journal has given back");
}

/// Lives a fight through, from the meter's database to the kept report.
async fn measure(meter: Meter, speed: f64) -> Result<Figures> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("relay");
    let database = data.join("raidcast.db");
    let key = Entropy::system().code(32);
    let config = Config {
        listen: vec![([127, 0, 0, 1], 0).into()],
        data,
        database_url: None,
        public_url: None,
        keys: vec![KeySetting::of("bench", &*key)],
        grace_ms: limits::GRACE_MS,
        trusted_proxies: Vec::new(),
        cors_origins: raidcast_relay::cors::Origins::default(),
        metrics_listen: None,
        tls: None,
        log_format: LogFormat::Text,
        registration: raidcast_relay::account::Registration::default(),
        keep_days: None,
        character_proof: vec![raidcast_shared::character::ProofWay::Administrator],
        providers: Vec::new(),
        downloads: None,
        picture_fonts: Vec::new(),
        webhook_hosts: Vec::new(),
        limits: EdgeLimits::default(),
    };
    // The tables and their first pages are nobody's hits.
    Relay::start(&config).await?.stop().await;
    let empty = std::fs::metadata(&database)?.len();

    let relay = Relay::start(&config).await?;
    let proxy = Proxy::start(relay.addrs()[0]).await?;
    let db = folder.path().join("meter.db");
    let mut options = uploader::Options::new(&proxy.url, key, folder.path().join("client"));
    options.db = Some(db.clone());
    let (told, mut changes) = mpsc::channel(CHANGES);
    let end = CancellationToken::new();
    let client = tokio::spawn(uploader::run(options, end.clone(), move |change| drop(told.try_send(change))));
    meter.write(db, speed).await?;
    let report_id = loop {
        match changes.recv().await.context("the client ended before the report was kept")? {
            Change::Finalized { report_id, state: ReportState::Final, .. } => break report_id,
            Change::Refused { text, .. } => bail!("the relay refused: {text}"),
            _ => {}
        }
    };
    end.cancel();
    client.await??;
    relay.stop().await;

    let grown = std::fs::metadata(&database)?.len() - empty;
    let store = SqliteStore::open(&database).await?;
    let log = store.report_log(&report_id).await?.context("no log was kept")?;
    let (_, record) = store.report(&report_id).await?.context("no report was kept")?;
    store.close().await?;
    let kept = Log::from_bytes(&log)?.content.hits;
    let mut figures = Figures {
        hits: kept.len(),
        deltas: 0,
        frames: 0,
        all_in: 0,
        columns: 0,
        log: log.len(),
        record: record.map_or(0, |record| record.len()),
        database: grown,
        entropy_bits: entropy_bits(&kept),
    };
    let sent = proxy.sent.lock().unwrap_or_else(PoisonError::into_inner);
    let hits = sent.iter().map(|connection| count(connection, &mut figures)).sum::<Result<usize>>()?;
    if hits != figures.hits {
        bail!("{hits} hits were sent and {} are kept", figures.hits);
    }
    Ok(figures)
}

/// Adds up what one connection sent after its upgrade; gives its hits.
fn count(sent: &[u8], figures: &mut Figures) -> Result<usize> {
    let upgraded = sent.windows(4).position(|end| end == b"\r\n\r\n").context("no upgrade was asked for")? + 4;
    figures.all_in += sent.len() - upgraded;
    let mut socket = WebSocket::from_raw_socket(Recorded(Cursor::new(&sent[upgraded..])), Role::Server, None);
    let mut hits = 0;
    while let Ok(message) = socket.read() {
        let Message::Binary(bytes) = message else { continue };
        figures.frames += 1;
        if let UplinkFrame::Delta(frame) = codec::decode(&bytes, limits::UPLINK_FRAME_BYTES_MAX)? {
            figures.deltas += usize::from(!frame.delta.is_heartbeat());
            figures.columns += frame.delta.columns.len();
            hits += frame.delta.hits as usize;
        }
    }
    Ok(hits)
}

/// Bytes that came over a socket once; what is written to it is lost.
struct Recorded<'a>(Cursor<&'a [u8]>);

impl Read for Recorded<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        Read::read(&mut self.0, buf)
    }
}

impl Write for Recorded<'_> {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The least that any code without memory takes for these columns, each value by itself, tables left out.
fn entropy_bits(hits: &[TimedHit]) -> f64 {
    fn column<T: Eq + Hash>(values: impl Iterator<Item = T>) -> f64 {
        let mut counts: HashMap<T, u32> = HashMap::new();
        values.for_each(|value| *counts.entry(value).or_default() += 1);
        let all: f64 = counts.values().copied().map(f64::from).sum();
        counts.values().copied().map(f64::from).map(|count| count * (all / count).log2()).sum()
    }
    let of = |get: &dyn Fn(&Hit) -> u64| column(hits.iter().map(|timed| get(&timed.hit)));
    column(hits.windows(2).map(|pair| pair[1].at_ms - pair[0].at_ms))
        + of(&|hit| hit.source.0.into())
        + of(&|hit| hit.target.0.into())
        + of(&|hit| hit.skill.0.into())
        + of(&|hit| hit.amount)
        + column(hits.iter().map(|timed| (timed.hit.flags.0, timed.hit.kind)))
        + of(&|hit| hit.shield)
        + of(&|hit| hit.overheal)
}

/// Stands between client and relay, and keeps what the client sends.
struct Proxy {
    url: String,
    /// One entry a connection.
    sent: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Proxy {
    async fn start(relay: std::net::SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let sent = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&sent);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let place = {
                    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                    all.push(Vec::new());
                    all.len() - 1
                };
                let Ok(server) = TcpStream::connect(relay).await else { continue };
                tokio::spawn(carry(client, server, Arc::clone(&all), place));
            }
        });
        Ok(Self { url, sent })
    }
}

async fn carry(
    client: TcpStream,
    server: TcpStream,
    all: Arc<Mutex<Vec<Vec<u8>>>>,
    place: usize,
) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
    let mut buffer = [0; 16 * 1024];
    loop {
        let read = from_client.read(&mut buffer).await?;
        if read == 0 {
            return to_server.shutdown().await;
        }
        all.lock().unwrap_or_else(PoisonError::into_inner)[place].extend_from_slice(&buffer[..read]);
        to_server.write_all(&buffer[..read]).await?;
    }
}
