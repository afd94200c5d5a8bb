//! A fight in growing arrays, at moments ever later in it.
//!
//! The meter writes the whole array of a row for each hit, so what it spends grows with the fight, and there is a length
//! at which it no longer keeps up. Between the moments the fight is brought on at once, the client watching.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use tokio::time::sleep;

use crate::meter::{Generation, Meter};
use crate::stage::{Stage, share};

/// After a jump the client has read all, and the write-ahead log was put back.
const SETTLED: Duration = Duration::from_secs(2);
/// The gate is open so long after the last commit.
const LATE: Duration = Duration::from_millis(500);

#[derive(Args)]
pub(crate) struct Options {
    /// Moments of the fight that are looked at, minutes
    #[arg(long, value_delimiter = ',', default_values_t = [1, 5, 15, 30, 60, 115])]
    minutes: Vec<u64>,
    /// How long each is lived through at true speed
    #[arg(long, default_value_t = 12)]
    seconds: u64,
}

pub(crate) async fn measure(options: &Options) -> Result<()> {
    let mut stage = Stage::open().await?;
    let span = Duration::from_secs(options.seconds);
    let longest = Duration::from_mins(options.minutes.iter().copied().max().unwrap_or(1)) + span;
    let mut meter = Meter::start(&stage.db(), Generation::Aggregate, 20, longest.as_millis() as i64 + 1_000)?;
    stage.watch()?;
    println!(
        "\nA fight of 20 players in growing arrays, {} s of it at true speed from each moment on",
        options.seconds
    );
    println!("                      meter                     client                   bytes read   commit to ack");
    println!("  minute      hits    CPU %   commit ms         CPU %   ratio   MB       a new hit    p50    p99 ms");
    for minute in &options.minutes {
        let from = Duration::from_mins(*minute);
        meter = meter.skip(from).await?;
        let from_ms = from.as_millis() as i64;
        stage.caught_up(from_ms - 1_000).await?;
        sleep(SETTLED).await;
        stage.link.take();
        let before = stage.usage()?;
        let played;
        (meter, played) = meter.play(span, 1.0).await?;
        sleep(LATE).await;
        let used = stage.usage()?.since(before);
        let acked = stage.link.take();
        let waits = stage.waits(Generation::Aggregate, &played.commits, &acked).await?;
        let wall_s = played.wall_s().max(span.as_secs_f64());
        let hits = meter.hits(from_ms, from_ms + span.as_millis() as i64);
        println!(
            "  {minute:6}  {:8}    {:5.1}      {:6.1}        {:6.1}   {:5.2}   {:4.1}     {:9.0}   {:4.0}   {:4.0}{}",
            meter.hits(-1, from_ms),
            played.cpu_s * 100.0 / wall_s,
            played.commit_ms(),
            used.cpu_s * 100.0 / wall_s,
            used.cpu_s / played.cpu_s,
            used.peak_mb,
            used.read_bytes as f64 / hits as f64,
            share(waits.iter().copied(), 0.5),
            share(waits.iter().copied(), 0.99),
            if played.wall_s() > span.as_secs_f64() * 1.05 { "   the meter does not keep up" } else { "" },
        );
    }
    Ok(())
}
