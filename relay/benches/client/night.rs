//! A fight of sealed chunks that lasts a whole night, by its quarters: is it flat?
//!
//! It is lived through faster than it was, so that there are fewer polls for as many hits: what a poll costs that finds
//! nothing is measured beside it.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use tokio::time::sleep;

use crate::meter::{Generation, Meter, duration};
use crate::stage::{Stage, share};

/// Between the last events and what follows, so that only polls are left.
const CALM: Duration = Duration::from_millis(500);
/// How long polls alone are measured: shorter than the client takes to poll less.
const POLLS: Duration = Duration::from_secs(6);

#[derive(Args)]
pub(crate) struct Options {
    /// How long it lasts
    #[arg(long, default_value_t = 119)]
    minutes: u64,
    /// How many fight
    #[arg(long, default_value_t = 40)]
    players: usize,
    /// So many times as fast as it was
    #[arg(long, default_value_t = 60.0)]
    speed: f64,
}

pub(crate) async fn measure(options: &Options) -> Result<()> {
    let Options { minutes, players, speed } = *options;
    let whole_ms = minutes as i64 * 60_000;
    let mut stage = Stage::open().await?;
    let meter = Meter::start(&stage.db(), Generation::Chunks, players, whole_ms)?;
    stage.watch()?;
    let (mut meter, _) = meter.play(Duration::from_secs(5), 1.0).await?;
    sleep(CALM).await;
    let before = stage.usage()?;
    sleep(POLLS).await;
    let polls = stage.usage()?.since(before).cpu_s / POLLS.as_secs_f64();
    println!("\nA fight of {players} players and {minutes} minutes in sealed chunks, at {speed} times its speed");
    println!("  a second of polls that find nothing costs the client {:.0} µs", polls * 1e6);
    println!("              hits   meter's CPU   client's   ratio   client's CPU       bytes read   commit to ack");
    println!("  quarter                      s          s           µs/hit   µs/s        a new hit   p50    p99 ms");
    let mut from_ms = 5_000;
    let mut hits_all = 0;
    for quarter in 1..=4 {
        let until_ms = if quarter == 4 { whole_ms } else { whole_ms * quarter / 4 };
        stage.link.take();
        let before = stage.usage()?;
        let played;
        (meter, played) = meter.play(duration(until_ms - from_ms), speed).await?;
        sleep(CALM).await;
        let used = stage.usage()?.since(before);
        let acked = stage.link.take();
        let waits = stage.waits(Generation::Chunks, &played.commits, &acked).await?;
        let hits: u64 = acked.iter().map(|acked| u64::from(acked.hits)).sum();
        hits_all += hits;
        println!(
            "  {quarter}        {hits:8}      {:8.2}   {:8.2}    {:.2}   {:6.2} {:6.0}     {:8.0}     {:4.0}   {:4.0}",
            played.cpu_s,
            used.cpu_s,
            used.cpu_s / played.cpu_s,
            used.cpu_s * 1e6 / hits as f64,
            used.cpu_s * 1e9 / (until_ms - from_ms) as f64,
            used.read_bytes as f64 / hits as f64,
            share(waits.iter().copied(), 0.5),
            share(waits.iter().copied(), 0.99),
        );
        from_ms = until_ms;
    }
    let _meter = meter.end().await?;
    stage.finalized().await?;
    println!("  {hits_all} hits; the client's memory at its peak: {:.1} MB", stage.usage()?.peak_mb);
    Ok(())
}
