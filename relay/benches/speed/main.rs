//! `cargo xtask bench fold | finalize | recovery | page | fanout | heavy | search | uploads`: how fast what Raidcast exists for is, each
//! beside a yardstick of the same run. Figures are printed, never gated: machines are shared and noisy, ratios are less so.

mod fanout;
mod fight;
#[cfg(unix)]
mod filled;
mod fold;
mod heavy;
mod page;
#[cfg(unix)]
mod search;
mod store;
#[cfg(target_os = "linux")]
mod uploads;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The relay's own, for it decides when memory is given back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How fast it is, beside its yardsticks
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
    /// Cargo says so
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Subcommand)]
enum What {
    /// Folding a fight's deltas, beside a hash-map increment a hit
    Fold,
    /// From a fight's End to its kept report, beside the same bytes inserted as one blob
    Finalize,
    /// A relay's start with open encounters, beside reading their bytes
    Recovery {
        /// How many are open
        #[arg(long, default_value_t = 1_000)]
        encounters: usize,
    },
    /// From the meter's commit to a spectator's frame, beside the sum of the waits on its way
    Page {
        /// So much of the fight, seconds
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// A relay's processor time for each message to a spectator, beside a bare write of the same bytes
    Fanout(fanout::Options),
    /// An innocent raid's acknowledgements while the largest raids are looked at, beside the same in quiet
    Heavy {
        /// Each so long, seconds
        #[arg(long, default_value_t = 20)]
        seconds: u32,
    },
    /// Searches among many encounters, beside reading fifty of them by primary key
    #[cfg(unix)]
    Search(search::Options),
    /// A thousand uploads at once, beside the same fights written row by row
    #[cfg(target_os = "linux")]
    Uploads(uploads::Options),
    /// Writes ready frames to whoever connects: the yardstick of `fanout`
    #[command(hide = true)]
    Floor(fanout::Floor),
}

fn main() -> Result<()> {
    let what = Cli::parse().what;
    if let What::Floor(floor) = &what {
        return fanout::floor(floor);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match what {
            What::Fold => fold::measure().await,
            What::Finalize => store::finalize().await,
            What::Recovery { encounters } => store::recovery(encounters).await,
            What::Page { seconds } => page::measure(seconds).await,
            What::Fanout(options) => fanout::measure(&options).await,
            What::Heavy { seconds } => Box::pin(heavy::measure(seconds)).await,
            #[cfg(unix)]
            What::Search(options) => Box::pin(search::measure(&options)).await,
            #[cfg(target_os = "linux")]
            What::Uploads(options) => Box::pin(uploads::measure(&options)).await,
            What::Floor(_) => Ok(()),
        }
    })
}

/// The middle of several runs, and their extremes.
fn spread(mut runs: Vec<f64>) -> (f64, f64, f64) {
    runs.sort_by(f64::total_cmp);
    (runs[runs.len() / 2], runs[0], runs[runs.len() - 1])
}
