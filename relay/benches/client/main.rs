//! `cargo xtask bench client`: what the client costs beside the meter that it follows.
//!
//! A meter, `raidcast watch` and a relay, each a process of its own, and between the last two a proxy that sees what is
//! sent and acknowledged. Processor time, memory and bytes are the kernel's figures of the processes. Figures are
//! printed, never gated: machines are shared and noisy, ratios of one run are less so.

mod fight;
mod length;
mod link;
mod meter;
mod night;
mod pairs;
mod process;
mod stage;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// What the client costs beside the meter that it follows; all of it takes about twelve minutes
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    part: Option<Part>,
    /// Cargo says so
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum Part {
    /// A fight of 20 players at its true speed, of each generation that tells single hits to the last meter
    Fight(fight::Options),
    /// A fight of 40 players and two hours in sealed chunks, by its quarters
    Night(night::Options),
    /// A fight in growing arrays the longer it lasts, as long as the meter itself keeps up
    Length(length::Options),
    /// The meter alone and with a client that watches, in pairs
    Pairs(pairs::Options),
    /// Writes a database as a meter does, told how by lines: the process beside the client
    #[command(hide = true)]
    Meter(meter::Options),
}

#[tokio::main]
async fn main() -> Result<()> {
    if let Some(part) = Cli::parse().part {
        return measure(part).await;
    }
    for name in ["fight", "night", "length", "pairs"] {
        if let Some(part) = Cli::parse_from(["client", name]).part {
            measure(part).await?;
        }
    }
    Ok(())
}

async fn measure(part: Part) -> Result<()> {
    match part {
        Part::Fight(options) => fight::measure(&options).await,
        Part::Night(options) => night::measure(&options).await,
        Part::Length(options) => length::measure(&options).await,
        Part::Pairs(options) => pairs::measure(&options).await,
        Part::Meter(options) => meter::write(&options).await,
    }
}
