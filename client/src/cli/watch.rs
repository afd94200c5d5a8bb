//! `raidcast watch`.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use raidcast_shared::administration::ReportVisibility;
use raidcast_shared::limits::DELAY_S_MAX;
use tokio_util::sync::CancellationToken;

use super::common::{CommonFlags, USAGE, end_on_signal, error_line, print, print_aside, print_error};
use super::json;
use super::printer::Printer;
use super::shown::Shown;
use super::words;
use crate::settings::Given;
use crate::uploader::{self, Change, Options, Summary, WatchError};

/// Meters write up to two seconds late: what is shorter would take such a pause for the end.
const UNTIL_IDLE_MIN: Duration = Duration::from_secs(3);

/// Flags of `watch`.
#[derive(Clone, Debug, Args)]
pub struct WatchFlags {
    #[command(flatten)]
    common: CommonFlags,
    /// How far behind those see the raid who are neither you nor have a link with a ticket, 0 to 600 [default: as before,
    /// at first 0]
    #[arg(long, value_name = "SECONDS", value_parser = delay)]
    delay: Option<u32>,
    /// Who may see the raid's reports, if that is not who may see it live [default: as before, at first as live]
    #[arg(long, value_enum)]
    report_visibility: Option<ReportsFlag>,
    /// End when nothing happened for so many seconds (less than 3 counts as 3) and everything has arrived
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    until_idle: Option<Duration>,
    /// Print a line of JSON for each change, for programs
    #[arg(long)]
    json: bool,
}

/// Who may see reports.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ReportsFlag {
    /// Whoever may see the raid live
    Live,
    /// Everybody: the relay lists them
    Public,
    /// Everybody who has the link
    Unlisted,
    /// You, and who has a link to the raid with its ticket
    Private,
}

impl From<ReportsFlag> for ReportVisibility {
    fn from(flag: ReportsFlag) -> Self {
        match flag {
            ReportsFlag::Live => Self::Live,
            ReportsFlag::Public => Self::Public,
            ReportsFlag::Unlisted => Self::Unlisted,
            ReportsFlag::Private => Self::Private,
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds
        .filter(|seconds| !seconds.is_zero())
        .ok_or_else(|| "give a number of seconds above 0 (less than 3 counts as 3)".to_owned())
}

fn delay(text: &str) -> Result<u32, String> {
    let seconds = text.parse::<u32>().ok().filter(|seconds| *seconds <= DELAY_S_MAX);
    seconds.ok_or_else(|| format!("a delay is 0 to {DELAY_S_MAX} seconds"))
}

/// Runs `watch` until it is done or told to end.
pub(super) async fn run(flags: WatchFlags) -> ExitCode {
    let as_json = flags.json;
    let more = Given {
        delay: flags.delay,
        report_visibility: flags.report_visibility.map(ReportVisibility::from),
        ..Given::default()
    };
    let (options, key) = match flags.common.options(&more) {
        Ok((options, key)) => {
            (Options { until_idle: flags.until_idle.map(|idle| idle.max(UNTIL_IDLE_MIN)), ..options }, key)
        }
        Err(error) => {
            print_error(as_json, "settings", &error);
            return ExitCode::from(USAGE);
        }
    };
    let shutdown = CancellationToken::new();
    let signals = tokio::spawn(end_on_signal(shutdown.clone()));
    let terminal = io::stderr().is_terminal();
    let gone = shutdown.clone();
    // Whoever reads along has gone: so does the client, quietly.
    let gone = move || gone.cancel();
    let printer = match (as_json, terminal) {
        (true, _) => {
            Printer::start(|text: String| print(io::stdout(), &text), |lines| json::left_out_line(lines) + "\n", gone)
        }
        (false, true) => Printer::start(|text: String| print(io::stderr(), &text), |lines| left_out(lines, true), gone),
        (false, false) => {
            Printer::start(|text: String| print(io::stderr(), &text), |lines| left_out(lines, false), gone)
        }
    };
    let mut shown = Shown::new(terminal);
    let mut waiting = None;
    let result = uploader::run(options, shutdown, |change| {
        if let Change::Waiting { why, .. } = &change {
            waiting = Some(why.clone());
        }
        let text = if as_json { json::line_of(&change).map(|line| line + "\n") } else { Some(shown.show(&change)) };
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            let lines = text.matches('\n').count() as u64;
            printer.say(text, lines);
        }
    })
    .await;
    signals.abort();
    let (code, last) = match result {
        Ok(summary) => {
            let last = if as_json { done_line(&summary) } else { shown.finish(&summary) };
            (u8::from(!summary.complete), last)
        }
        Err(error) => {
            let text = match &error {
                // Why has been said.
                WatchError::NoMeter { after, why } if !as_json && waiting.as_ref() == Some(why) => {
                    words::given_up(*after)
                }
                error => words::ended(error, &key),
            };
            let text = if as_json {
                print_aside(&text);
                error_line(error.kind(), &text) + "\n"
            } else {
                shown.line(&format!("error: {text}"))
            };
            (error.exit_code(), text)
        }
    };
    printer.close(Some(last));
    ExitCode::from(code)
}

/// That lines were not shown, as a line.
fn left_out(lines: u64, terminal: bool) -> String {
    Shown::new(terminal).line(&words::left_out(lines))
}

fn done_line(summary: &Summary) -> String {
    let Summary { fights, finalized, unacknowledged, complete } = summary;
    let done = serde_json::json!({
        "event": "done",
        "fights": fights,
        "finalized": finalized,
        "unacknowledged": unacknowledged,
        "complete": complete,
    });
    format!("{done}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_that_is_too_long_is_refused_in_plain_words() {
        assert_eq!(delay("0"), Ok(0));
        assert_eq!(delay("600"), Ok(600));
        for text in ["601", "900", "-1", "soon", ""] {
            assert_eq!(delay(text), Err("a delay is 0 to 600 seconds".to_owned()), "{text}");
        }
    }
}
