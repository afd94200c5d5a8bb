//! What the client takes from the meter: the same stretch of a fight alone and watched, in turns.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use tokio::time::sleep;

use crate::meter::{Generation, Meter, Played};
use crate::stage::{Stage, share};

/// Where in the fight.
const FROM: Duration = Duration::from_mins(3);
/// The client has read what there is.
const SETTLED: Duration = Duration::from_secs(2);

#[derive(Args)]
pub(crate) struct Options {
    /// How many pairs
    #[arg(long, default_value_t = 7)]
    pairs: usize,
    /// How long each run is lived through at true speed
    #[arg(long, default_value_t = 12)]
    seconds: u64,
}

pub(crate) async fn measure(options: &Options) -> Result<()> {
    println!(
        "\nThe meter alone and watched, {} pairs of {} s of a fight of 20 players in growing arrays",
        options.pairs, options.seconds
    );
    let (mut cpu, mut wall) = (Vec::new(), Vec::new());
    for pair in 0..options.pairs {
        // Each goes first as often as the other.
        let mut runs = [Played::default(), Played::default()];
        for watched in if pair % 2 == 0 { [false, true] } else { [true, false] } {
            runs[usize::from(watched)] = run(watched, options.seconds).await?;
        }
        let [alone, watched] = &runs;
        cpu.push(watched.cpu_s / alone.cpu_s);
        wall.push(took(watched) / took(alone));
    }
    for (what, ratios) in [("processor time", cpu), ("wall time of its commits", wall)] {
        let at = |part| share(ratios.iter().copied(), part);
        println!("  the meter's {what:<26} watched {:.3} times alone ({:.3} to {:.3})", at(0.5), at(0.0), at(1.0));
    }
    Ok(())
}

async fn run(watched: bool, seconds: u64) -> Result<Played> {
    let mut stage = Stage::open().await?;
    let span = Duration::from_secs(seconds);
    let meter = Meter::start(&stage.db(), Generation::Aggregate, 20, (FROM * 2).as_millis() as i64)?;
    let meter = meter.skip(FROM).await?;
    if watched {
        stage.watch()?;
    }
    sleep(SETTLED).await;
    Ok(meter.play(span, 1.0).await?.1)
}

fn took(played: &Played) -> f64 {
    played.commits.iter().map(|commit| commit.took_s).sum()
}
