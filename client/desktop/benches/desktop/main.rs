//! `cargo xtask bench desktop`: what the desktop app costs while a fight goes on, beside `raidcast watch`.
//!
//! The app stands on the stage of the window's tests: a display, a session bus with a tray, a home of its own. One meter
//! writes, and the app and the command line follow its database at the same time, each for a relay of its own; what both
//! relays have in the end must be what the meter wrote. There is never a second app beside it: memory that two of them
//! have in common would count half. Figures are printed, never gated: machines are shared and noisy, ratios of one run
//! are less so. On Linux alone.

#![allow(clippy::unwrap_used, reason = "a bench that cannot go on ends")]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/window/bus.rs"]
mod bus;
mod fight;
mod gauge;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/window/http.rs"]
mod http;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/window/meter.rs"]
mod meter;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/window/process.rs"]
mod process;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/window/relay.rs"]
mod relay;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/window/screen.rs"]
mod screen;
#[path = "../../tests/window/shot.rs"]
mod shot;
mod side_by_side;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/window/stage.rs"]
mod stage;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/window/wait.rs"]
mod wait;

use std::time::Duration;

use clap::Parser;
use raidcast_meterkit::Generation;

use fight::Fight;
use gauge::Usage;
use side_by_side::{Run, Shown};

/// What the desktop app costs while a fight goes on, beside `raidcast watch`; all of it takes about twenty minutes
#[derive(Parser)]
struct Cli {
    /// How long scripted fights are
    #[arg(long, default_value_t = 90)]
    seconds: u64,
    /// How long nothing goes on before each fight, as it is measured
    #[arg(long, default_value_t = 20)]
    quiet_seconds: u64,
    /// So many times as fast as they were are databases played that lie beside the workspace
    #[arg(long, default_value_t = 2.0)]
    replay_speed: f64,
    /// Leave those out
    #[arg(long)]
    script_only: bool,
    /// Cargo says so
    #[arg(long, hide = true)]
    bench: bool,
}

/// What was measured while nothing went on, and in a fight.
const PARTS: [&str; 2] = ["before the fight", "in the fight"];

#[tokio::main(worker_threads = 2)]
async fn main() {
    let Cli { seconds, quiet_seconds, replay_speed, script_only, .. } = Cli::parse();
    assert!(stage::can_run(), "not all is here that this bench needs");
    let mut fights = [Generation::Aggregate, Generation::Chunks]
        .map(|generation| Fight::scripted(generation, Duration::from_secs(seconds)))
        .to_vec();
    if !script_only {
        fights.extend(Fight::replays(replay_speed));
    }
    println!("The desktop app and `raidcast watch`, on the same fights of 20 players at the same time");
    let mut hidden = Vec::new();
    for fight in &fights {
        println!("\n{}", fight.name());
        println!(
            "                                 CPU, s   % of a core   wake-ups/s   PSS, MB    CPU, wake-ups, PSS: times watch's"
        );
        for shown in [Shown::Hidden, Shown::Window] {
            let run = side_by_side::run(fight, shown, Duration::from_secs(quiet_seconds)).await;
            show(shown, &run);
            hidden.extend((shown == Shown::Hidden).then_some(run));
        }
    }
    println!();
    for (part, name) in PARTS.into_iter().enumerate() {
        let most = |of: fn(&Usage, &Usage) -> f64| {
            hidden.iter().map(|run| of(&run.app[part], &run.watch[part])).fold(0.0, f64::max)
        };
        println!(
            "Hidden, {name}: at most {:.2} times watch's processor time, {:.2} times its wake-ups, {:.1} MB",
            most(|app, watch| app.cpu_s / watch.cpu_s),
            most(|app, watch| app.wakes_a_second() / watch.wakes_a_second()),
            most(|app, _| app.pss_mb),
        );
    }
}

fn show(shown: Shown, run: &Run) {
    for (part, name) in PARTS.into_iter().enumerate() {
        let (app, watch) = (&run.app[part], &run.watch[part]);
        println!(
            "  {:<29}{}    {:.2}   {:.2}   {:.1}",
            format!("{}, {name}", shown.name()),
            figures(app),
            app.cpu_s / watch.cpu_s,
            app.wakes_a_second() / watch.wakes_a_second(),
            app.pss_mb / watch.pss_mb,
        );
        println!("  {:<29}{}", "  watch beside it", figures(watch));
    }
}

fn figures(usage: &Usage) -> String {
    let Usage { cpu_s, wall_s, pss_mb, .. } = usage;
    format!("{cpu_s:8.2}{:14.2}{:13.1}{pss_mb:10.1}", cpu_s * 100.0 / wall_s, usage.wakes_a_second())
}
