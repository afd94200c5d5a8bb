//! `raidcast status`.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::common::{USAGE, print_error, print_line, printed, state_folder};
use super::json;
use super::words::{told, write_overview};
use crate::clock::Clock;
use crate::status::Overview;

/// Flags of `status`.
#[derive(Clone, Debug, Args)]
pub struct StatusFlags {
    /// The folder that `raidcast watch` or `upload` uses [default: raidcast in your data folder]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// List all fights, not only the last 20 that were sent
    #[arg(long)]
    all: bool,
    /// Print one JSON object, for programs
    #[arg(long)]
    json: bool,
}

/// Says what the state folder knows; a client that runs is not disturbed.
pub(super) fn run(flags: StatusFlags) -> ExitCode {
    let StatusFlags { state, all, json } = flags;
    let given = state.is_some();
    let state = match state_folder(state) {
        Ok(state) => state,
        Err(error) => {
            print_error(json, "settings", &error);
            return ExitCode::from(USAGE);
        }
    };
    let overview = match Overview::read(&state, Clock::system().unix_ms()) {
        Ok(overview) => overview,
        Err(error) if error.kind() == io::ErrorKind::NotFound && given && !json => {
            return printed(print_line(&format!(
                "There is no folder {}. Nothing has been streamed with it yet.",
                state.display()
            )));
        }
        // Nobody has streamed from here: that is no error.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Overview::default(),
        Err(error) => {
            let text = format!(
                "The folder {} cannot be read ({}). Name the one that `raidcast watch` uses with --state.",
                state.display(),
                told(&error)
            );
            print_error(json, "state", &text);
            return ExitCode::FAILURE;
        }
    };
    printed(if json {
        print_line(&json::overview_line(&overview))
    } else {
        write_overview(&overview, &mut io::stdout().lock(), all)
    })
}
