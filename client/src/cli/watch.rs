//! `raidcast watch`.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::common::{CommonFlags, USAGE, end_on_signal, kind_of, print_error, print_json, print_line};
use super::shown::Shown;
use super::words;
use crate::uploader::{self, Change, Options, Summary, WatchError};

/// Meters write up to two seconds late: what is shorter would take such a pause for the end.
const UNTIL_IDLE_MIN: Duration = Duration::from_secs(3);

/// Flags of `watch`.
#[derive(Clone, Debug, Args)]
pub struct WatchFlags {
    #[command(flatten)]
    common: CommonFlags,
    /// End when nothing happened for so long (3 or more) and everything has arrived
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    until_idle: Option<Duration>,
    /// Print a line of JSON for each change, for programs
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|seconds| !seconds.is_zero()).ok_or_else(|| "give a number of seconds above 0".to_owned())
}

/// Runs `watch` until it is done or told to end.
pub(super) async fn run(flags: WatchFlags) -> ExitCode {
    let as_json = flags.json;
    let options = match flags.common.options() {
        Ok(options) => Options { until_idle: flags.until_idle.map(|idle| idle.max(UNTIL_IDLE_MIN)), ..options },
        Err(error) => {
            print_error(as_json, "settings", &error.to_string());
            return ExitCode::from(USAGE);
        }
    };
    let shutdown = CancellationToken::new();
    let signals = tokio::spawn(end_on_signal(shutdown.clone()));
    let mut shown = Shown::new(io::stderr(), io::stderr().is_terminal());
    let mut waiting = None;
    let result = uploader::run(options, shutdown.clone(), |change| {
        if let Change::Waiting { why, .. } = &change {
            waiting = Some(why.clone());
        }
        // Whoever reads along has gone: so does the client, quietly.
        let told = if as_json { print_json(&change) } else { shown.show(&change) };
        if told.is_err() {
            shutdown.cancel();
        }
    })
    .await;
    signals.abort();
    match result {
        Ok(summary) => {
            if as_json {
                print_done(&summary);
            } else {
                let _ = shown.finish(&summary);
            }
            ExitCode::from(u8::from(!summary.complete))
        }
        Err(error) => {
            let code = error.exit_code();
            let text = match &error {
                // Why has been said.
                WatchError::NoMeter { after, why } if !as_json && waiting.as_ref() == Some(why) => {
                    words::given_up(*after)
                }
                error => words::watch_error(error),
            };
            print_error(as_json, kind_of(&error), &text);
            ExitCode::from(code)
        }
    }
}

fn print_done(summary: &Summary) {
    let Summary { fights, finalized, unacknowledged, complete } = summary;
    let done = json!({
        "event": "done",
        "fights": fights,
        "finalized": finalized,
        "unacknowledged": unacknowledged,
        "complete": complete,
    });
    let _ = print_line(&done.to_string());
}
