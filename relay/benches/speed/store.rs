//! Finalizing and recovery, through a whole relay on SQLite.

use std::path::Path;

use anyhow::{Context as _, Result};
use raidcast_meterkit::{Fight, Script};
use raidcast_relay::config::{Config, KeySetting};
use raidcast_relay::limits::EdgeLimits;
use raidcast_relay::serve::Relay;
use raidcast_relay::telemetry::LogFormat;
use raidcast_shared::limits;
use raidcast_store::{Reports as _, Upkeep as _};
use raidcast_store_sqlite::SqliteStore;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::time::Instant;

use crate::fight::{Uplink, streamed};
use crate::spread;

const KEY: &str = "a-key-for-benches";
/// A key begins so many fights a day that a thousand take several.
const KEYS: [&str; 4] = [KEY, "another-key-for-benches", "a-third-key-for-benches", "a-fourth-key-for-benches"];
const RUNS: u128 = 11;

pub(crate) fn config(data: &Path) -> Config {
    Config {
        listen: vec![([127, 0, 0, 1], 0).into()],
        data: data.to_owned(),
        database_url: None,
        public_url: None,
        keys: KEYS.iter().enumerate().map(|(at, key)| KeySetting::of(format!("bench{at}"), *key)).collect(),
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
    }
}

/// Twenty players and ten minutes.
fn ten_minutes() -> Fight {
    Script { duration_ms: 600_000, ..Script::raid(1) }.fight()
}

pub(crate) async fn finalize() -> Result<()> {
    let fight = streamed(&ten_minutes()).await?;
    let folder = tempfile::tempdir()?;
    let relay = Relay::start(&config(folder.path())).await?;
    let mut uplink = Uplink::connect(&format!("http://{}", relay.addrs()[0]), KEY, 1).await?;
    let (mut ends, mut reports) = (Vec::new(), Vec::new());
    for run in 1..=RUNS {
        let begun = uplink.begin(&fight.header, run).await?;
        uplink.deltas(begun.h, &fight.deltas).await?;
        let start = Instant::now();
        uplink.end(begun.h, &fight).await?;
        ends.push(start.elapsed().as_secs_f64() * 1e3);
        reports.push(begun.report);
    }
    drop(uplink);
    relay.stop().await;
    let store = SqliteStore::open(&folder.path().join("raidcast.db")).await?;
    let log = store.report_log(&reports[0]).await?.context("no log was kept")?;
    store.close().await?;

    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("yardstick.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut plain = options.connect().await?;
    sqlx::query("CREATE TABLE blobs (data BLOB)").execute(&mut plain).await?;
    let mut inserts = Vec::new();
    for _ in 0..RUNS {
        let start = Instant::now();
        sqlx::query("INSERT INTO blobs VALUES (?)").bind(&log[..]).execute(&mut plain).await?;
        inserts.push(start.elapsed().as_secs_f64() * 1e3);
    }
    plain.close().await?;
    println!(
        "{} hits of 20 players in ten minutes, {} deltas, a log of {} bytes",
        fight.hits,
        fight.deltas.len(),
        log.len()
    );
    let (end, least, most) = spread(ends);
    let (insert, ..) = spread(inserts);
    println!("  End to Finalized      {end:7.1} ms ({least:.1} to {most:.1})");
    println!("  the log as one blob   {insert:7.1} ms");
    println!("  ratio                 {:7.1}", end / insert);
    Ok(())
}

pub(crate) async fn recovery(encounters: usize) -> Result<()> {
    // A minute of a party each: what is open when a relay is stopped in a busy hour.
    let fight = streamed(&Script { duration_ms: 60_000, ..Script::party(1) }.fight()).await?;
    let folder = tempfile::tempdir()?;
    let relay = Relay::start(&config(folder.path())).await?;
    let url = format!("http://{}", relay.addrs()[0]);
    // A raid has a few fights open at once.
    let mut n = 0;
    while n < encounters {
        let mut uplink = Uplink::connect(&url, KEYS[n * KEYS.len() / encounters], n as u128 + 1).await?;
        for _ in 0..limits::OPEN_ENCOUNTERS_MAX.min(encounters - n) {
            n += 1;
            let begun = uplink.begin(&fight.header, n as u128).await?;
            uplink.deltas(begun.h, &fight.deltas).await?;
        }
    }
    relay.stop().await;

    let (mut reads, mut starts) = (Vec::new(), Vec::new());
    let mut bytes = 0;
    for _ in 0..5 {
        let options = SqliteConnectOptions::new().filename(folder.path().join("raidcast.db"));
        let mut plain = options.connect().await?;
        let start = Instant::now();
        let read: Vec<(Vec<u8>,)> = sqlx::query_as("SELECT data FROM encounter_journal").fetch_all(&mut plain).await?;
        reads.push(start.elapsed().as_secs_f64() * 1e3);
        bytes = read.iter().map(|(data,)| data.len()).sum();
        plain.close().await?;
        let start = Instant::now();
        let relay = Relay::start(&config(folder.path())).await?;
        starts.push(start.elapsed().as_secs_f64() * 1e3);
        relay.stop().await;
    }
    let empty = tempfile::tempdir()?;
    Relay::start(&config(empty.path())).await?.stop().await;
    let start = Instant::now();
    let relay = Relay::start(&config(empty.path())).await?;
    let bare = start.elapsed().as_secs_f64() * 1e3;
    relay.stop().await;
    println!("{encounters} open encounters of {} hits each, {bytes} bytes of journal", fight.hits);
    let (median, least, most) = spread(starts);
    let (read, ..) = spread(reads);
    println!(
        "  a relay's start        {median:8.1} ms ({least:.1} to {most:.1}), of it {bare:.1} without any encounter"
    );
    println!("  reading the same bytes {read:8.1} ms");
    println!("  ratio                  {:8.1}", (median - bare) / read);
    Ok(())
}

/// The key that benches upload with.
pub(crate) fn key() -> &'static str {
    KEY
}
