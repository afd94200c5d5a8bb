//! A fight of 20 players at its true speed, from its first hit to its report.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use futures::future::try_join_all;
use tokio::time::sleep;

use crate::meter::{Generation, Meter};
use crate::process::{Process, Usage};
use crate::stage::{Stage, share};

/// A client that was just started has read what there is.
const SETTLED: Duration = Duration::from_secs(1);

#[derive(Args)]
pub(crate) struct Options {
    /// How long the fight is
    #[arg(long, default_value_t = 180)]
    seconds: u64,
    /// So many times as fast as they were are databases played that lie beside the workspace
    #[arg(long, default_value_t = 2.0)]
    replay_speed: f64,
    /// Leave those out
    #[arg(long)]
    script_only: bool,
}

/// What a fight took.
struct Run {
    name: String,
    hits: u64,
    meter_s: f64,
    client: Usage,
    waits: Vec<f64>,
}

/// A database of a meter, and what lives it through again.
struct Replay {
    tool: PathBuf,
    database: PathBuf,
    generation: Generation,
}

pub(crate) async fn measure(options: &Options) -> Result<()> {
    println!("A fight of 20 players, {} s at its true speed, generations side by side", options.seconds);
    let replays = if options.script_only { Vec::new() } else { replays() };
    if !replays.is_empty() {
        println!("(and real databases of six minutes at {} times theirs)", options.replay_speed);
    }
    let scripts = [Generation::Aggregate, Generation::Chunks].map(|generation| scripted(generation, options.seconds));
    let replayed = replays.iter().map(|replay| replayed(replay, options.replay_speed));
    let (scripts, replayed) = tokio::try_join!(try_join_all(scripts), try_join_all(replayed))?;
    for run in scripts.into_iter().chain(replayed) {
        show(&run);
    }
    Ok(())
}

fn show(run: &Run) {
    let Run { name, hits, meter_s, client, waits } = run;
    let a_hit = |whole: f64| whole / *hits as f64;
    println!("\n{name}: {hits} hits and heals");
    println!(
        "  processor time, s      meter {meter_s:7.2}   client {:7.2}   ratio {:.2}",
        client.cpu_s,
        client.cpu_s / meter_s
    );
    println!("  µs a hit               meter {:7.1}   client {:7.1}", a_hit(meter_s * 1e6), a_hit(client.cpu_s * 1e6));
    println!("  the client's memory at its peak, MB     {:8.1}", client.peak_mb);
    println!("  bytes that the client read a new hit    {:8.0}", a_hit(client.read_bytes as f64));
    if !waits.is_empty() {
        let at = |part| share(waits.iter().copied(), part);
        println!("  commit to acknowledgement, ms           p50 {:.0}, p99 {:.0}", at(0.5), at(0.99));
    }
}

async fn scripted(generation: Generation, seconds: u64) -> Result<Run> {
    let mut stage = Stage::open().await?;
    let span = Duration::from_secs(seconds);
    let meter = Meter::start(&stage.db(), generation, 20, span.as_millis() as i64)?;
    stage.watch()?;
    sleep(SETTLED).await;
    let before = stage.usage()?;
    let (meter, played) = meter.play(span, 1.0).await?;
    sleep(SETTLED).await;
    let used = stage.usage()?.since(before);
    let acked = stage.link.take();
    let waits = stage.waits(generation, &played.commits, &acked).await?;
    let hits = acked.iter().map(|acked| u64::from(acked.hits)).sum();
    let _meter = meter.end().await?;
    stage.finalized().await?;
    let client = Usage { peak_mb: stage.usage()?.peak_mb, ..used };
    Ok(Run { name: format!("{generation:?}, scripted"), hits, meter_s: played.cpu_s, client, waits })
}

fn replays() -> Vec<Replay> {
    let beside = raidcast_meterkit::beside();
    let files = [("aggregate-20p-6min.db", Generation::Aggregate), ("journal-20p-6min.db", Generation::Chunks)];
    let found = files.into_iter().map(|(file, generation)| Replay {
        tool: beside.join("tools/replay_meter.py"),
        database: beside.join("meters").join(file),
        generation,
    });
    let python = Command::new("python3").arg("--version").stdout(Stdio::null()).status().is_ok();
    found.filter(|replay| python && replay.tool.exists() && replay.database.exists()).collect()
}

async fn replayed(replay: &Replay, speed: f64) -> Result<Run> {
    let mut stage = Stage::open().await?;
    let child = Command::new("python3")
        .arg(&replay.tool)
        .arg(&replay.database)
        .arg(stage.db())
        .args(["--now", "--gap", "0", "--speed", &speed.to_string()])
        .stdout(Stdio::null())
        .spawn()?;
    let mut meter = Process(child);
    stage.watch()?;
    let (mut meter_s, mut client) = (0.0, Usage::default());
    // Of a process that has ended nothing is known but what was seen last.
    while meter.0.try_wait()?.is_none() {
        if let Some(usage) = meter.usage() {
            meter_s = usage.cpu_s;
            client = stage.usage()?;
        }
        sleep(Duration::from_millis(50)).await;
    }
    stage.finalized().await?;
    client.peak_mb = stage.usage()?.peak_mb;
    let hits = stage.link.take().iter().map(|acked| u64::from(acked.hits)).sum();
    let name = format!("{:?}, a real meter's at {speed} times its speed", replay.generation);
    Ok(Run { name, hits, meter_s, client, waits: Vec::new() })
}
