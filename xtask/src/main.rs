//! `cargo xtask`: the project's own commands.

mod aside;
mod browser;
#[cfg(test)]
mod circles;
mod coming;
mod command;
#[cfg(test)]
mod conformance;
mod database;
mod desktop;
mod dist;
mod linted;
mod machine;
mod proxies;
mod tally;
mod test;
mod web;

use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand, ValueEnum};

use command::{cargo, run};

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what is missing, then run every check and test.
    Test(test::Options),
    /// Install the pages' packages and build the pages into web/dist, the desktop app's into web/dist-desktop, that of
    /// saved fights into web/dist-file.
    Web,
    /// Take the README's picture anew: a live page of the demo, in Chromium.
    Picture,
    /// Write anew the types of the feed, the API's description, and the types of that.
    Types,
    /// Check the stores' queries against real databases, after a query or a migration changed.
    DbPrepare,
    /// Build and pack what is given to others, into target/dist.
    Dist(dist::Options),
    /// Measure something and print it beside its yardstick.
    Bench {
        /// What to measure.
        what: Bench,
        /// Options of that benchmark; `-- --help` tells them.
        #[arg(last = true)]
        options: Vec<String>,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Bench {
    /// Bytes a hit costs on the uplink and in the store.
    Bytes,
    /// Hits a second that the fold takes.
    Fold,
    /// From a fight's End to its kept report.
    Finalize,
    /// A relay's start with many open encounters.
    Recovery,
    /// From the meter's commit to a spectator's frame.
    Page,
    /// Processor time of a message to a spectator.
    Fanout,
    /// Acknowledgements while the largest raids are looked at.
    Heavy,
    /// Searches among many encounters, in PostgreSQL or SQLite.
    Search,
    /// Many uploads at once, and what a live raid notices of them.
    Uploads,
    /// The client's processor time and memory beside the meter's.
    Client,
    /// The desktop app's processor time, wake-ups and memory beside those of `raidcast watch`.
    Desktop,
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Test(options) => return test::test(&options),
        Task::Web => machine::prepare(&[machine::Need::Web]).and_then(|()| web::build()),
        Task::Picture => browser::picture(),
        Task::Types => types(),
        Task::DbPrepare => database::prepare(),
        Task::Dist(options) => dist::dist(&options),
        Task::Bench { what, options } => bench(what, &options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What is made of the sources and committed: the feed's types, the desktop app's, the API's description, and the types of
/// that.
fn types() -> Result<()> {
    machine::prepare(&[machine::Need::Web])?;
    for (package, test) in [
        ("raidcast-shared", "types"),
        ("raidcast-desktop-model", "types"),
        ("raidcast-relay", "description::the_committed"),
    ] {
        run(cargo().args(["test", "-p", package, "--test", "suite", test]).env("RAIDCAST_WRITE_TYPES", "1"))?;
    }
    web::install()?;
    run(machine::npm().args(["run", "types"]))
}

fn bench(what: Bench, options: &[String]) -> Result<()> {
    // Bytes are the same in every profile: the one that is built already will do.
    let (bench, profile, name) = match what {
        Bench::Bytes => ("bytes", "dev", None),
        Bench::Fold => ("speed", "bench", Some("fold")),
        Bench::Finalize => ("speed", "bench", Some("finalize")),
        Bench::Recovery => ("speed", "bench", Some("recovery")),
        Bench::Page => ("speed", "bench", Some("page")),
        Bench::Fanout => ("speed", "bench", Some("fanout")),
        Bench::Heavy => ("speed", "bench", Some("heavy")),
        Bench::Search => ("speed", "bench", Some("search")),
        Bench::Uploads => ("speed", "bench", Some("uploads")),
        Bench::Client => ("client", "bench", None),
        Bench::Desktop => return desktop::bench(options),
    };
    if matches!(what, Bench::Client) {
        // The one that is measured.
        run(cargo().args(desktop::RELEASE))?;
    }
    let mut command: Command = cargo();
    command.args(["bench", "--profile", profile, "-p", "raidcast-relay", "--bench", bench, "--"]);
    command.args(name).args(options);
    run(&mut command)
}
