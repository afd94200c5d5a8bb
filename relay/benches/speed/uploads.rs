//! A thousand uploads at once, beside the same fights written row by row as the original design has it, in one PostgreSQL.

mod machine;
mod original;
mod posts;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use raidcast_meterkit::encounters::{Encounters, Habit};
use raidcast_meterkit::{Fight, Script};
use raidcast_pgkit::Cluster;
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tokio::time::{Instant, sleep};

use crate::fanout::{Server, first_line};
use crate::filled::cluster;
use crate::page;
use crate::store::key;
use machine::{Used, used};
use original::Layout;
use posts::{Post, Posted, post_all};

/// Who uploads: each with a key and an address of its own, so that the ordinary limits hold.
const KEYS: usize = 10;
/// Fights of a key begin so long after each other, ms.
const APART_MS: i64 = 400_000;
/// The first of them, Unix ms.
const FIRST_MS: i64 = 1_780_000_000_000;
/// A server of an operator with 2 GB.
const SETTINGS: [&str; 3] = ["shared_buffers = '512MB'", "max_wal_size = '1GB'", "min_wal_size = '80MB'"];
/// Fights that fill the database before: of so long each, ms, for rows are what may slow down what comes after.
const SHORT_MS: i64 = 20_000;
/// So many of them are sent at once.
const FILLED_AT_ONCE: usize = 500;

/// What is uploaded, and beside what.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// So many fights of twenty players and six minutes, at once
    #[arg(long, default_value_t = 1_000)]
    fights: usize,
    /// And as many again after so many short fights of one group
    #[arg(long, default_value_t = 0)]
    after: usize,
    /// Of them so many are written row by row
    #[arg(long, default_value_t = 200)]
    rows: usize,
    /// A raid goes on meanwhile: what it notices, beside so many seconds of the same on an idle relay
    #[arg(long)]
    live: Option<u32>,
}

/// A fight as a request tells it, which may begin at another time.
struct Told {
    json: String,
    started_at_ms: i64,
    ended_at_ms: i64,
    hits: usize,
}

impl Told {
    fn of(fight: &Fight) -> Self {
        let json = Encounters(&[Habit::Offsets]).body(fight);
        let ended_at_ms = fight.started_at_ms + fight.last_ms();
        Self { json, started_at_ms: fight.started_at_ms, ended_at_ms, hits: fight.hits.len() }
    }

    fn at(&self, started_at_ms: i64) -> String {
        let ended_at_ms = started_at_ms + self.ended_at_ms - self.started_at_ms;
        let started = format!("\"startedAtMs\":{}", self.started_at_ms);
        let ended = format!("\"endedAtMs\":{}", self.ended_at_ms);
        let json = self.json.replacen(&started, &format!("\"startedAtMs\":{started_at_ms}"), 1);
        json.replacen(&ended, &format!("\"endedAtMs\":{ended_at_ms}"), 1)
    }
}

/// Ten fights of groups of the same twenty players each: of one group, or of as many as there are keys.
fn told(one_group: bool, duration_ms: i64) -> Vec<Told> {
    let script = |at: usize| {
        let seed = if one_group { 1 } else { 1 + at as u64 };
        let duration_ms = duration_ms + duration_ms / 50 * (at as i64 - 5);
        Script { duration_ms, wipe: duration_ms > 60_000, ..Script::raid(seed) }
    };
    (0..KEYS).map(|at| Told::of(&script(at).fight())).collect()
}

/// Requests, of each key as many, from a number of fights on that were sent before.
fn posts(told: &[Told], count: usize, before: usize, network: u8) -> Vec<Post> {
    (0..count)
        .map(|number| {
            let key = number % KEYS;
            // No two at the same time: one fight is kept once.
            let started_at_ms = FIRST_MS + (before + number) as i64 * APART_MS + key as i64;
            let json = told[key].at(started_at_ms);
            Post { key: upload_key(key), from: [127, 0, network, 1 + key as u8].into(), body: posts::packed(&json) }
        })
        .collect()
}

fn upload_key(at: usize) -> String {
    format!("key-number-{at}-for-benches")
}

/// A relay in a process of its own, and the database that it has.
struct Measured {
    server: Server,
    addr: String,
    cluster: Cluster,
    connection: PgConnection,
    folder: tempfile::TempDir,
}

impl Measured {
    async fn start() -> Result<Self> {
        let (cluster, url) = cluster(&SETTINGS)?;
        let folder = tempfile::tempdir()?;
        let keys = (0..KEYS).map(|at| format!("bench{at} = \"{}\"\n", upload_key(at)));
        let settings = format!("upload_key = \"{}\"\n\n[upload_keys]\n{}", key(), keys.collect::<String>());
        std::fs::write(folder.path().join("raidcast.toml"), settings)?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let addr = format!("127.0.0.1:{port}");
        let child: Child = Command::new(Path::new(env!("CARGO_BIN_EXE_raidcast-relay")))
            .args(["--listen", &addr, "--database-url", &url, "--data"])
            .arg(folder.path().join("data"))
            .arg("--config")
            .arg(folder.path().join("raidcast.toml"))
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut server = Server(child);
        first_line(&mut server)?;
        let connection = PgConnection::connect(&url).await?;
        Ok(Self { server, addr, cluster, connection, folder })
    }

    async fn used(&mut self) -> Result<Used> {
        let folder: String = sqlx::query_scalar("SHOW data_directory").fetch_one(&mut self.connection).await?;
        used(Some(self.server.0.id()), folder.as_ref())
    }

    /// Bytes of the database after all is written to where it belongs.
    async fn bytes(&mut self) -> Result<i64> {
        sqlx::raw_sql("CHECKPOINT").execute(&mut self.connection).await?;
        Ok(sqlx::query_scalar("SELECT pg_database_size(current_database())").fetch_one(&mut self.connection).await?)
    }

    async fn count(&mut self, of: &'static str) -> Result<i64> {
        Ok(sqlx::query_scalar(of).fetch_one(&mut self.connection).await?)
    }

    async fn finals(&mut self) -> Result<i64> {
        self.count("SELECT count(*) FROM encounters WHERE state = 2").await
    }

    /// Waits until nothing is to be derived any more.
    async fn derived(&mut self) -> Result<()> {
        while self.count("SELECT count(*) FROM jobs").await? > 0 {
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    async fn upload(&mut self, posts: Vec<Post>) -> Result<Uploaded> {
        let fights = posts.len() as f64;
        let (finals, bytes, before) = (self.finals().await?, self.bytes().await?, self.used().await?);
        let addr = self.addr.parse()?;
        let began = Instant::now();
        let posted = tokio::task::spawn_blocking(move || post_all(addr, posts)).await??;
        let answered_s = began.elapsed().as_secs_f64();
        self.derived().await?;
        let derived_s = began.elapsed().as_secs_f64();
        let bytes = (self.bytes().await? - bytes) as f64 / fights;
        let used = self.used().await? - before;
        let kept = self.finals().await? - finals;
        Ok(Uploaded { fights, posted, answered_s, derived_s, bytes, used, kept })
    }
}

/// What some uploads took.
struct Uploaded {
    fights: f64,
    posted: Posted,
    answered_s: f64,
    derived_s: f64,
    /// Of each on disk.
    bytes: f64,
    used: Used,
    kept: i64,
}

impl Uploaded {
    /// Uploads that are answered, and those of which all is derived, too.
    fn a_second(&self) -> [f64; 2] {
        [self.answered_s, self.derived_s].map(|took| self.fights / took)
    }

    fn cpu(&self) -> f64 {
        (self.used.relay_s + self.used.database_s) / self.fights
    }

    fn print(&self, what: &str) {
        let Posted { created, again, lost, slowest_s } = self.posted;
        println!("{what}");
        println!(
            "  answered 201 {created}, told to come again {again} times, lost {lost}, kept as final {}",
            self.kept
        );
        println!(
            "  all answered after {:.1} s, the slowest {slowest_s:.1} s; derived after {:.1} s",
            self.answered_s, self.derived_s
        );
        let [answered, derived] = self.a_second();
        println!("  {answered:.1} a second, {derived:.1} with all that is derived; {:.0} bytes each", self.bytes);
        let (relay, database) = (self.used.relay_s / self.fights, self.used.database_s / self.fights);
        println!(
            "  processor: {:.4} s each, of it relay {relay:.4}, PostgreSQL {database:.4}; the aim is 0.09",
            self.cpu()
        );
        println!("  the relay's memory at its peak so far: {:.0} MiB", self.used.relay_peak_kib as f64 / 1024.0);
    }
}

pub(crate) async fn measure(options: &Options) -> Result<()> {
    ensure!(options.rows <= options.fights, "of the same fights");
    let mut measured = Measured::start().await?;
    let groups = told(false, 360_000);
    let hits = groups.iter().map(|told| told.hits).sum::<usize>() / KEYS;
    println!(
        "{} fights of 20 players, six minutes and {hits} hits, at once, from {KEYS} keys and addresses",
        options.fights
    );
    if let Some(seconds) = options.live {
        return noticed(measured, &groups, options.fights, seconds).await;
    }
    let uploaded = measured.upload(posts(&groups, options.fights, 0, 1)).await?;
    uploaded.print("the relay, empty at first");
    for layout in [Layout::AsDesigned, Layout::WithoutTimelineIndex, Layout::RowOfEachHit] {
        // The dearest by far.
        let rows = if layout == Layout::RowOfEachHit { options.rows.div_ceil(10) } else { options.rows };
        let url = measured.cluster.new_database();
        let written =
            original::write(&url, &groups.iter().map(|told| &*told.json).collect::<Vec<_>>(), rows, layout).await?;
        written.print(layout);
        let [answered, derived] = uploaded.a_second().map(|relay| relay / written.a_second());
        println!(
            "  so the relay takes {answered:.1} times as many a second (aim: 10), {derived:.1} with all that is derived, in \
             {:.3} of the bytes (aim: 0.25)",
            uploaded.bytes / written.bytes
        );
    }
    if options.after > 0 {
        let short = told(true, SHORT_MS);
        let began = Instant::now();
        for first in (0..options.after).step_by(FILLED_AT_ONCE) {
            let count = FILLED_AT_ONCE.min(options.after - first);
            // An address may send a thousand requests an hour.
            let network = 10 + (first / FILLED_AT_ONCE) as u8;
            let posts = posts(&short, count, options.fights + first, network);
            let addr = measured.addr.parse()?;
            let posted = tokio::task::spawn_blocking(move || post_all(addr, posts)).await??;
            ensure!(posted.created == count, "{} of {count} were taken", posted.created);
            eprintln!("{} after {:.0} s", first + count, began.elapsed().as_secs_f64());
        }
        measured.derived().await?;
        let group = told(true, 360_000);
        let again = measured.upload(posts(&group, options.fights, options.fights + options.after, 2)).await?;
        again.print(&format!("the relay, after {} fights of the same group", options.after));
        println!("  so an upload takes {:.2} times the processor time", again.cpu() / uploaded.cpu());
    }
    Ok(())
}

/// What a live raid notices of uploads.
async fn noticed(mut measured: Measured, groups: &[Told], fights: usize, seconds: u32) -> Result<()> {
    let url = format!("http://{}", measured.addr);
    let idle = page::raid(&url, &measured.folder.path().join("idle"), seconds).await?;
    idle.print("a raid on the idle relay");
    let posts = posts(groups, fights, 0, 1);
    let folder = measured.folder.path().join("busy");
    let busy_for = tokio::spawn({
        let url = url.clone();
        async move { page::raid(&url, &folder, seconds).await }
    });
    // The raid has begun.
    sleep(Duration::from_secs(3)).await;
    let uploaded = measured.upload(posts).await?;
    let busy = busy_for.await.context("the raid broke off")??;
    uploaded.print("the uploads meanwhile");
    busy.print("the raid meanwhile");
    let ratio = busy.captured_to_page(0.99) / idle.captured_to_page(0.99);
    println!("  captured to page, p99: {ratio:.2} times that of the idle relay; the aim is 2");
    Ok(())
}
